// Drives the two pins of a verilated board, bit by bit, as its USB converter does. hw/bench/emulate.py compiles and calls it.

#include <cstdint>
#include <deque>
#include <memory>
#include "Vtop.h"
#include "verilated.h"

namespace {

constexpr int BITS = 10;  // start, data, stop

struct Board {
    VerilatedContext context;
    Vtop top{&context};
    int64_t divisor;             // cycles per bit
    std::deque<uint8_t> waiting; // bytes to the board
    uint32_t out = 0, in = 0;    // bits of the byte that is on each wire
    int64_t out_remaining = 0;   // cycles until it has left
    int in_remaining = 0;             // bits of it still to sample
    int64_t in_wait = 0;         // cycles until the next sample

    // Sets the wire to the board for this cycle.
    void transmit() {
        if (out_remaining == 0 && !waiting.empty()) {
            out = uint32_t(waiting.front()) << 1 | 1u << (BITS - 1);
            out_remaining = BITS * divisor;
            waiting.pop_front();
        }
        top.rx = out_remaining ? out >> (BITS - (out_remaining + divisor - 1) / divisor) & 1 : 1;
        if (out_remaining) --out_remaining;
    }

    // Looks at the wire from the board; returns a byte when its stop bit has come, else -1.
    int receive() {
        if (in_remaining == 0) {
            if (top.tx) return -1;
            in_remaining = BITS, in_wait = divisor / 2, in = 0;
        }
        if (in_wait--) return -1;
        in |= uint32_t(top.tx) << (BITS - in_remaining);
        in_wait = divisor - 1;
        return --in_remaining == 0 ? int(in >> 1 & 0xFF) : -1;
    }
};

}  // namespace

extern "C" void* open_board(int64_t divisor) {
    auto board = new Board;
    board->divisor = divisor;
    board->top.clk = 0, board->top.rst = 0, board->top.rx = 1;
    board->top.eval();
    return board;
}

extern "C" void close_board(void* handle) {
    auto board = static_cast<Board*>(handle);
    board->top.final();
    delete board;
}

// Runs `cycles` cycles while `count` more bytes are on their way to the board; returns the bytes that came, at most one
// in BITS * divisor cycles, which `found` must have room for.
extern "C" int64_t run_board(void* handle, const uint8_t* data, int64_t count, uint8_t* found, int64_t cycles) {
    auto board = static_cast<Board*>(handle);
    board->waiting.insert(board->waiting.end(), data, data + count);
    int64_t came = 0;
    for (; cycles > 0; --cycles) {
        board->transmit();
        const int byte = board->receive();
        if (byte >= 0) found[came++] = uint8_t(byte);
        board->top.clk = 1, board->top.eval();
        board->top.clk = 0, board->top.eval();
    }
    return came;
}

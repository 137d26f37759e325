// Drives both streams of a verilated component, a whole batch per call. hw/bench/verilated.py compiles and calls it.

#include <cstdint>
#include <cstring>
#include <memory>
#include "Vtop.h"
#include "verilated.h"

namespace {

// A port is an integer of up to 64 bits or an array of 32-bit words; both are moved as words, lowest first.
template <class T>
void put(T& port, const uint32_t* words) {
    if constexpr (std::is_integral_v<T>) {
        uint64_t value = words[0];
        if constexpr (sizeof(T) == 8) value |= uint64_t(words[1]) << 32;
        port = T(value);
    } else {
        std::memcpy(port.data(), words, sizeof(T));
    }
}

template <class T>
void get(const T& port, uint32_t* words) {
    if constexpr (std::is_integral_v<T>) {
        words[0] = uint32_t(port);
        if constexpr (sizeof(T) == 8) words[1] = uint32_t(uint64_t(port) >> 32);
    } else {
        std::memcpy(words, port.data(), sizeof(T));
    }
}

template <class T>
constexpr int words_of() {
    return sizeof(T) <= 4 ? 1 : sizeof(T) / 4;
}

struct Random {  // xorshift64*: pauses repeat for a seed
    uint64_t state;
    bool pause() {
        if (state == 0) return false;
        state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
        return (state * 2685821657736338717ull >> 32) % 10 < 3;
    }
};

constexpr int I_WORDS = words_of<decltype(Vtop::i___05Fpayload)>();
constexpr int O_WORDS = words_of<decltype(Vtop::o___05Fpayload)>();
#ifdef OBSERVED
constexpr int OBSERVED_WORDS = words_of<std::remove_reference_t<decltype(Vtop::observed)>>();
#endif

}  // namespace

struct Batch {
    const uint32_t* beats;      // I_WORDS each
    const int64_t* end;         // per beat, the index of its image's last beat
    int64_t beat_count;
    int64_t image_count;
    uint64_t closing;           // an output closes an image if it has one of these bits; 0: every output does
    uint64_t seed;              // of random pauses on both sides; 0: none
    int64_t patience;           // cycles without a beat until the component hangs
    uint32_t* outputs;          // O_WORDS each
    int64_t output_room;
    uint32_t* observed;         // OBSERVED_WORDS each
    int64_t observed_room;
    int64_t output_count;       // results from here on
    int64_t observed_count;
    int64_t cycles;
    int64_t closed;
};

// Runs from reset until every image is closed, the component hangs, or an array is full (room counts tell).
extern "C" void run(Batch* batch) {
    auto context = std::make_unique<VerilatedContext>();
    auto top = std::make_unique<Vtop>(context.get());
    Random random{batch->seed};
    int64_t index = 0, idle = 0;
    bool offering = false, discard = false;
    top->clk = 0, top->rst = 0, top->i___05Fvalid = 0, top->o___05Fready = 0;
    top->eval();
    while (batch->closed < batch->image_count && idle <= batch->patience) {
        if (batch->output_count == batch->output_room || batch->observed_count == batch->observed_room) return;
        if (!offering && index < batch->beat_count && !random.pause()) {
            offering = true;
            put(top->i___05Fpayload, batch->beats + index * I_WORDS);
        }
        const bool ready = !random.pause();
        top->i___05Fvalid = offering, top->o___05Fready = ready;
        top->eval();
        const bool taken = offering && top->i___05Fready, given = ready && top->o___05Fvalid;
        idle = taken || given ? 0 : idle + 1;
#ifdef DISCARD
        discard = top->discard;
#endif
        if (discard && !offering && index < batch->beat_count) index = batch->end[index];
        if (taken) {
            offering = false;
            const int64_t end = batch->end[index++];
            if (discard && index <= end) index = end;
        }
        if (given) {
            uint32_t* output = batch->outputs + batch->output_count++ * O_WORDS;
            get(top->o___05Fpayload, output);
            if (batch->closing == 0 || (output[0] & batch->closing)) ++batch->closed;
        }
#ifdef OBSERVED
        uint32_t* observed = batch->observed + batch->observed_count * OBSERVED_WORDS;
        get(top->observed, observed);
        batch->observed_count += observed[0] & 1;
#endif
        top->clk = 1, top->eval();
        top->clk = 0, top->eval();
        ++batch->cycles;
    }
    top->final();
}

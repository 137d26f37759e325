"""The machine: neurons, layers, spike queues, the sequencer, counters."""

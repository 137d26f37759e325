"""From samples to input spikes."""

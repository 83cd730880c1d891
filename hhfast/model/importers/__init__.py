"""Models from the field's own files: NMODL (NEURON) and NeuroML2, translated and proven against what the file says."""

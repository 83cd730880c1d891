"""What users name and combine: integrators, stimuli, recorders, features, as data and text."""

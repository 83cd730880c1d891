"""Pages: a model, or a result, as one HTML file in which its kernel runs (`explore`)."""

"""How a model becomes machine code: parts as text, joined by codegen, compiled and cached."""

"""A model as equations: a and b of every state, and their Jacobian."""

"""The kernel tree: what a kernel does, as nodes that passes change and printers print."""

"""What runs a system: components from specs, the generated schedule, the host."""

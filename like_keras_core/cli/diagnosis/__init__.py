"""What `lk doctor` looks at: requirements, imports, plug-ins and the machine."""

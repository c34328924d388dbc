"""The suites of the conformance kit: what an engine must do, a module a subject."""

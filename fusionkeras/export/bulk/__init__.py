"""Answers to tables of any length by an Apache Beam pipeline; Beam is imported when one is run."""

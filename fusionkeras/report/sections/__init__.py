"""The sections of a report, one file each: functions from a `Subject` to HTML."""

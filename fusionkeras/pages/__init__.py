"""Pages of HTML that load nothing from elsewhere: what the audit and the report share."""

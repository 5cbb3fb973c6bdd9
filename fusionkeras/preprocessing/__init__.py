"""Raw values to tensors, as layers."""

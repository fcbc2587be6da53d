"""One node and one account: JSON-RPC, checked answers, errors by their meaning, transactions that arrive."""

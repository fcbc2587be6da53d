"""The paper's comparison: quantum and classical, federated and central, on one page."""

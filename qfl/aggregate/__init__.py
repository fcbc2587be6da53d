"""The integer rule that turns updates into a model, as `contracts/libraries/Aggregate.sol` does."""

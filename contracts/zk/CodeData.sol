// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A contract whose code is data: as constant as code, and all of it read for one cold account access.
/// @dev The first byte is STOP, so that a call does nothing; `extcodecopy` from offset 1.
contract CodeData {
    constructor(bytes memory data) {
        bytes memory code = abi.encodePacked(hex"00", data);
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            return(add(code, 0x20), mload(code))
        }
    }
}

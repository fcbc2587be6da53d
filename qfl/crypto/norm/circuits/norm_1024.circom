pragma circom 2.0.0;

include "norm.circom";

component main {public [commitment, context, normBound, laneBits]} = Norm(1024);

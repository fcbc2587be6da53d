// Proves that a committed vector is in range and within a norm bound. Our own, MIT.
// Included from circomlib at compile time, not copied: Poseidon.
pragma circom 2.0.0;

include "poseidon.circom";

// A lane, in -2^15 .. 2^15 - 1, as 16 bits: offset = lane + 2^15.
// excess is zero exactly when the lane is in -2^7 .. 2^7 - 1; it is in -255 .. 255.
template Lane() {
    signal input lane;
    signal output offset;
    signal output square;
    signal output excess;
    signal bits[16];

    offset <== lane + 32768;
    var sum = 0;
    for (var i = 0; i < 16; i++) {
        bits[i] <-- (offset >> i) & 1;
        bits[i] * (bits[i] - 1) === 0;
        sum += bits[i] * (1 << i);
    }
    sum === offset;
    square <== lane * lane;

    // Two's complement inverts the offset's highest bit. A byte has bits 7 to 14 like its sign, bit 15.
    var high = 0;
    for (var i = 7; i < 15; i++) high += bits[i] * (1 << (i - 7));
    excess <== high - 255 * (1 - bits[15]);
}

// x is in 0 .. 2^64 - 1.
template Uint64() {
    signal input x;
    signal bits[64];

    var sum = 0;
    for (var i = 0; i < 64; i++) {
        bits[i] <-- (x >> i) & 1;
        bits[i] * (bits[i] - 1) === 0;
        sum += bits[i] * (1 << i);
    }
    sum === x;
}

// capacity lanes; a shorter vector is padded with zeros.
template Norm(capacity) {
    // Public, in this order.
    signal input commitment;
    signal input context;
    signal input normBound;
    signal input laneBits;
    // Private.
    signal input salt;
    signal input lanes[capacity];

    var PER_WORD = 15; // 15 lanes of 16 bits are 240 bits: below the field's order, so packing is injective
    var PER_BLOCK = 7; // a block and the state before it are Poseidon's 8 inputs
    var words = (capacity + PER_WORD - 1) \ PER_WORD;
    var blocks = (words + PER_BLOCK - 1) \ PER_BLOCK;

    // A public input that no constraint names would be bound by nothing in the proof.
    signal contextSquared <== context * context;

    (laneBits - 8) * (laneBits - 16) === 0;

    component lane[capacity];
    signal word[blocks * PER_BLOCK];
    var squares = 0;
    for (var w = 0; w < blocks * PER_BLOCK; w++) {
        var packed = 0;
        var excess = 0;
        for (var i = 0; i < PER_WORD; i++) {
            var k = w * PER_WORD + i;
            if (k < capacity) {
                lane[k] = Lane();
                lane[k].lane <== lanes[k];
                squares += lane[k].square;
                packed += lane[k].offset * (1 << (16 * i));
                // Digits within +-255 in base 2^9: their sum is zero only when each of them is.
                excess += lane[k].excess * (1 << (9 * i));
            }
        }
        word[w] <== packed;
        if (w < words) excess * (16 - laneBits) === 0;
    }

    // normBound = squares + slack with both below 2^64: the sum cannot wrap, whatever normBound is.
    component slack = Uint64();
    slack.x <== normBound - squares;

    // The salt goes in first, through a permutation: no lane is ever added to a state that holds it.
    component salted = Poseidon(2);
    salted.inputs[0] <== capacity;
    salted.inputs[1] <== salt;
    component chain[blocks];
    for (var b = 0; b < blocks; b++) {
        chain[b] = Poseidon(PER_BLOCK + 1);
        if (b == 0) {
            chain[b].inputs[0] <== salted.out;
        } else {
            chain[b].inputs[0] <== chain[b - 1].out;
        }
        for (var i = 0; i < PER_BLOCK; i++) chain[b].inputs[i + 1] <== word[b * PER_BLOCK + i];
    }
    commitment === chain[blocks - 1].out;
}

// Correlation on demand: the dot products under every window of one level, then the windows between cells.
// REAL is float or double; every argument takes eight bytes. Features have their channels side by side.

typedef long long Int;

#define ALL_ITEMS(item, count)                                                \
    for (Int item = (Int)blockIdx.x * blockDim.x + threadIdx.x; item < count; \
         item += (Int)gridDim.x * blockDim.x)

// Cells of one row that a thread takes together, so that it reads the query once for all of them.
#define TOGETHER 5

// The cell left of or above a position; a position that is no number sees nothing.
__device__ static Int whole(REAL position) {
    return position == position ? (Int)floor(position) : -(1LL << 40);
}

// products (N, queries, side y, side x), side a multiple of TOGETHER: cells from -radius on, 0 outside.
extern "C" __global__ void correlate_cells(const REAL* queries, const REAL* cells, const REAL* positions,
                                           Int batch, Int count, Int channels, Int rows, Int columns, Int side,
                                           Int radius, double scale, REAL* products) {
    const Int groups = side / TOGETHER;
    ALL_ITEMS(item, batch * count * side * groups) {
        const Int group = item % groups, j = item / groups % side, query = item / (groups * side);
        const Int image = query / count;
        const Int row = whole(positions[2 * query + 1] * (REAL)scale) + j - radius;
        const Int column = whole(positions[2 * query] * (REAL)scale) + group * TOGETHER - radius;
        REAL* result = products + item * TOGETHER;
        if (row < 0 || row >= rows || column <= -TOGETHER || column >= columns) {
            for (int k = 0; k < TOGETHER; ++k) result[k] = 0;
            continue;
        }
        // Cells outside are read at the border instead and dropped afterwards: no branch in the inner loop.
        const REAL* there[TOGETHER];
        REAL sums[TOGETHER];
        for (int k = 0; k < TOGETHER; ++k) {
            const Int within = column + k < 0 ? 0 : column + k >= columns ? columns - 1 : column + k;
            there[k] = cells + ((image * rows + row) * columns + within) * channels;
            sums[k] = 0;
        }
        const REAL* here = queries + query * channels;
        for (Int c = 0; c < channels; ++c) {
            const REAL feature = here[c];
            for (int k = 0; k < TOGETHER; ++k) sums[k] += feature * there[k][c];
        }
        for (int k = 0; k < TOGETHER; ++k)
            result[k] = column + k >= 0 && column + k < columns ? sums[k] : (REAL)0;
    }
}

// found (N, queries, found_channels) from channel `start` on: offsets along x slow, along y fast.
extern "C" __global__ void correlate_windows(const REAL* products, const REAL* positions, Int queries, Int side,
                                             double scale, Int found_channels, Int start, REAL* found) {
    const Int window = side - 1;
    ALL_ITEMS(item, queries * window * window) {
        const Int j = item % window, i = item / window % window, query = item / (window * window);
        const REAL x = positions[2 * query] * (REAL)scale, y = positions[2 * query + 1] * (REAL)scale;
        const REAL fraction_x = x - floor(x), fraction_y = y - floor(y);
        const REAL* cell = products + (query * side + j) * side + i;
        const REAL upper = cell[0] + fraction_x * (cell[1] - cell[0]);
        const REAL lower = cell[side] + fraction_x * (cell[side + 1] - cell[side]);
        found[query * found_channels + start + i * window + j] = upper + fraction_y * (lower - upper);
    }
}

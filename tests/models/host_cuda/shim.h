// Enough of CUDA for a host compiler: one thread after another runs over a grid of one block.
#include <cmath>
#include <cstdlib>

#define __global__
#define __device__
using std::abs; using std::fabs; using std::floor; using std::frexp; using std::ldexp;

struct Index { unsigned x, y, z; };
static Index threadIdx, blockIdx, blockDim = {1, 1, 1}, gridDim = {1, 1, 1};

template <typename T> static T atomicAdd(T* place, T value) { T old = *place; *place = old + value; return old; }
template <typename T> static T atomicMax(T* place, T value) { T old = *place; if (value > old) *place = value; return old; }
extern "C" void set_grid(unsigned blocks, unsigned threads) { gridDim.x = blocks; blockDim.x = threads; }
extern "C" void set_thread(unsigned block, unsigned thread) { blockIdx.x = block; threadIdx.x = thread; }

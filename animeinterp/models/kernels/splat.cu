// Forward splatting and its gradients. REAL is float or double.
//
// Every argument takes eight bytes: a pointer, a long long, or a double. values, flow and the gradients that
// come in have strides of any kind, in elements, for image, channel, row and column; what the kernels write
// is dense, with channels last: sums (N, rows, W, C), weights (N, rows, W), where row 0 is target row
// `first`. Threads run over channels fastest, so that neighbours touch neighbouring memory.

typedef long long Int;

#define ALL_ITEMS(item, count)                                                \
    for (Int item = (Int)blockIdx.x * blockDim.x + threadIdx.x; item < count; \
         item += (Int)gridDim.x * blockDim.x)

// Where one source pixel lands: the upper left of four targets, and the shares of the right and lower ones.
struct Landing {
    bool somewhere;
    Int column, row;
    REAL right, lower;
};

// Fractions are those of the flow, not of position + flow: see models.flow.bilinear_corners.
__device__ static Landing land(REAL dx, REAL dy, Int x, Int y, Int height, Int width) {
    // Nothing further away lands inside; infinities and nan fail the comparison.
    const REAL far_away = (REAL)(2 * (height + width));
    Landing landing = {false, 0, 0, 0, 0};
    if (!(fabs(dx) < far_away && fabs(dy) < far_away)) return landing;
    const REAL left = floor(dx), top = floor(dy);
    landing.somewhere = true;
    landing.column = x + (Int)left;
    landing.row = y + (Int)top;
    landing.right = dx - left;
    landing.lower = dy - top;
    return landing;
}

// The target under a corner (0..3: right is bit 0, lower is bit 1) as image, row and column; -1 if not kept.
__device__ static Int target_of(const Landing& landing, int corner, Int image, Int first, Int rows, Int width) {
    if (!landing.somewhere) return -1;
    const Int row = landing.row + (corner >> 1) - first, column = landing.column + (corner & 1);
    if (row < 0 || row >= rows || column < 0 || column >= width) return -1;
    return (image * rows + row) * width + column;
}

__device__ static REAL share_x(const Landing& landing, int corner) {
    return corner & 1 ? landing.right : 1 - landing.right;
}

__device__ static REAL share_y(const Landing& landing, int corner) {
    return corner >> 1 ? landing.lower : 1 - landing.lower;
}

#define SOURCE_ARGUMENTS                                                                      \
    const REAL *values, Int values_n, Int values_c, Int values_y, Int values_x,               \
        const REAL *flow, Int flow_n, Int flow_c, Int flow_y, Int flow_x, const REAL *factors, \
        Int batch, Int channels, Int height, Int width, Int first, Int rows

// Splits `pixel` = (image, y, x) and finds where it lands.
#define LAND(pixel)                                                                  \
    const Int x = pixel % width, y = pixel / width % height, image = pixel / (width * height); \
    const REAL* vector = flow + image * flow_n + y * flow_y + x * flow_x;            \
    const Landing landing = land(vector[0], vector[flow_c], x, y, height, width);    \
    const REAL factor = factors ? factors[pixel] : (REAL)1

// Adds every source's weighted values and weight to its targets, in any order. Channel `channels` is the weight.
extern "C" __global__ void splat_sums(SOURCE_ARGUMENTS, REAL* sums, REAL* weights) {
    ALL_ITEMS(item, batch * height * width * (channels + 1)) {
        const Int channel = item % (channels + 1), pixel = item / (channels + 1);
        LAND(pixel);
        const bool is_weight = channel == channels;
        const REAL value = is_weight ? (REAL)1
                                     : values[image * values_n + channel * values_c + y * values_y + x * values_x];
        for (int corner = 0; corner < 4; ++corner) {
            const Int target = target_of(landing, corner, image, first, rows, width);
            if (target < 0) continue;
            const REAL weight = factor * share_y(landing, corner) * share_x(landing, corner);
            if (is_weight) atomicAdd(weights + target, weight);
            else atomicAdd(sums + target * channels + channel, weight * value);
        }
    }
}

// The deterministic way, first pass: the largest weight's binary exponent + EXPONENT_OFFSET, 0 where none is.
#define EXPONENT_OFFSET 4096
extern "C" __global__ void splat_exponents(SOURCE_ARGUMENTS, int* exponents) {
    ALL_ITEMS(pixel, batch * height * width) {
        LAND(pixel);
        for (int corner = 0; corner < 4; ++corner) {
            const Int target = target_of(landing, corner, image, first, rows, width);
            if (target < 0) continue;
            const double weight = factor * share_y(landing, corner) * share_x(landing, corner);
            if (!(weight > 0 && weight <= 1.7976931348623157e308)) continue;
            int exponent;
            frexp(weight, &exponent);
            atomicMax(exponents + target, exponent + EXPONENT_OFFSET);
        }
    }
}

// Second pass: whole numbers of units of 2^-bits, relative to the target's largest weight (and, for values,
// to 2^value_exponent > every |value|). Their sums do not depend on the order. What is not finite is added as
// it is; its sum does not depend on the order either.
extern "C" __global__ void splat_units(SOURCE_ARGUMENTS, const int* exponents, Int bits, Int value_exponent,
                                       unsigned long long* sum_units, unsigned long long* weight_units,
                                       REAL* sums, REAL* weights) {
    ALL_ITEMS(item, batch * height * width * (channels + 1)) {
        const Int channel = item % (channels + 1), pixel = item / (channels + 1);
        LAND(pixel);
        const bool is_weight = channel == channels;
        const REAL value = is_weight ? (REAL)1
                                     : values[image * values_n + channel * values_c + y * values_y + x * values_x];
        for (int corner = 0; corner < 4; ++corner) {
            const Int target = target_of(landing, corner, image, first, rows, width);
            if (target < 0) continue;
            const REAL weight = factor * share_y(landing, corner) * share_x(landing, corner);
            const double part = (double)weight * (double)value;
            const Int place = is_weight ? target : target * channels + channel;
            if (!(fabs(part) <= 1.7976931348623157e308)) {
                atomicAdd((is_weight ? weights : sums) + place, (REAL)part);
                continue;
            }
            const Int exponent = exponents[target] - EXPONENT_OFFSET + (is_weight ? 0 : value_exponent);
            const Int units = llrint(ldexp(part, (int)(bits - exponent)));
            // Two's complement: adding the bits of a negative number subtracts.
            atomicAdd((is_weight ? weight_units : sum_units) + place, (unsigned long long)units);
        }
    }
}

// Third pass: units to numbers.
extern "C" __global__ void splat_from_units(const int* exponents, Int bits, Int value_exponent,
                                            const unsigned long long* sum_units,
                                            const unsigned long long* weight_units, Int targets, Int channels,
                                            REAL* sums, REAL* weights) {
    ALL_ITEMS(item, targets * (channels + 1)) {
        const Int channel = item % (channels + 1), target = item / (channels + 1);
        const int exponent = (int)(exponents[target] - EXPONENT_OFFSET - bits);
        if (channel == channels)
            weights[target] += (REAL)ldexp((double)(Int)weight_units[target], exponent);
        else
            sums[target * channels + channel] += (REAL)ldexp(
                (double)(Int)sum_units[target * channels + channel], exponent + (int)value_exponent);
    }
}

// Sums to means, in place; holes stay 0.
extern "C" __global__ void splat_means(Int targets, Int channels, REAL* sums, const REAL* weights) {
    ALL_ITEMS(item, targets * channels) {
        const REAL weight = weights[item / channels];
        if (weight > 0) sums[item] /= weight;
    }
}

#define GRADIENT_ARGUMENTS                                                                         \
    const REAL *weights, const REAL *grad, Int grad_n, Int grad_c, Int grad_y, Int grad_x

// Gradients of the values, dense, channels last: every source gathers from its four targets.
extern "C" __global__ void splat_values_gradient(SOURCE_ARGUMENTS, GRADIENT_ARGUMENTS, REAL* grad_values) {
    ALL_ITEMS(item, batch * height * width * channels) {
        const Int channel = item % channels, pixel = item / channels;
        LAND(pixel);
        REAL sum = 0;
        for (int corner = 0; corner < 4; ++corner) {
            const Int target = target_of(landing, corner, image, first, rows, width);
            if (target < 0) continue;
            const REAL weight = factor * share_y(landing, corner) * share_x(landing, corner);
            const REAL total = weights[target] > 0 ? weights[target] : (REAL)1;
            const Int column = target % width, row = target / width % rows;
            sum += weight * grad[image * grad_n + channel * grad_c + row * grad_y + column * grad_x] / total;
        }
        grad_values[item] = sum;
    }
}

// Gradients of the flow, (N, 2, H, W), and of the logarithm of the factors, (N, H, W), dense.
extern "C" __global__ void splat_flow_gradient(SOURCE_ARGUMENTS, GRADIENT_ARGUMENTS, const REAL* means,
                                               const REAL* grad_weights, Int grad_weights_n,
                                               Int grad_weights_y, Int grad_weights_x, REAL* grad_flow,
                                               REAL* grad_importance) {
    ALL_ITEMS(pixel, batch * height * width) {
        LAND(pixel);
        REAL along_x = 0, along_y = 0, along_importance = 0;
        for (int corner = 0; corner < 4; ++corner) {
            const Int target = target_of(landing, corner, image, first, rows, width);
            if (target < 0) continue;
            const REAL total = weights[target] > 0 ? weights[target] : (REAL)1;
            const Int column = target % width, row = target / width % rows;
            // What one more unit of weight does: it moves each mean towards this source's value.
            REAL pull = 0;
            for (Int channel = 0; channel < channels; ++channel) {
                const REAL value = values[image * values_n + channel * values_c + y * values_y + x * values_x];
                const REAL mean = means[target * channels + channel];
                pull += grad[image * grad_n + channel * grad_c + row * grad_y + column * grad_x] * (value - mean);
            }
            pull = pull / total
                   + grad_weights[image * grad_weights_n + row * grad_weights_y + column * grad_weights_x];
            const REAL sign_x = corner & 1 ? 1 : -1, sign_y = corner >> 1 ? 1 : -1;
            along_x += sign_x * share_y(landing, corner) * factor * pull;
            along_y += sign_y * share_x(landing, corner) * factor * pull;
            along_importance += share_x(landing, corner) * share_y(landing, corner) * factor * pull;
        }
        const Int plane = height * width, place = image * 2 * plane + y * width + x;
        grad_flow[place] = along_x;
        grad_flow[place + plane] = along_y;
        grad_importance[pixel] = along_importance;
    }
}

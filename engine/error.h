// sapnet::Error for the layers above the engine, which must not include kernels/.
#pragma once

#include "kernels/error.h"

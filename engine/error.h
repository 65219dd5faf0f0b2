// sapnet::Error for everything above the engine, which does not see kernels/.
#pragma once

#include "kernels/error.h"

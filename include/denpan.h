/* denpan.h: the whole public interface of Denpan. */
#ifndef DENPAN_H
#define DENPAN_H
#include "denpan/base.h"
#include "denpan/tensor.h"
#include "denpan/op.h"
#include "denpan/grad.h"
#include "denpan/run.h"
#include "denpan/nn.h"
#include "denpan/optim.h"
#include "denpan/data.h"
#include "denpan/train.h"
#include "denpan/io.h"
#include "denpan/bench.h"
#endif

/* denpan.h: the whole public interface of Denpan. */
#ifndef DENPAN_H
#define DENPAN_H
#include "denpan/base.h"
#include "denpan/tensor.h"
#include "denpan/op.h"
#include "denpan/grad.h"
#include "denpan/run.h"
#endif

// The domain's lock.
#pragma once

#include <mutex>

#include "sync/fair_mutex.h"
#include "sync/ranked_mutex.h"

namespace vmm {

using DomainMutex = RankedMutex<LockRank::kDomain, FairMutex>;
using DomainLock = std::unique_lock<DomainMutex>;

}  // namespace vmm

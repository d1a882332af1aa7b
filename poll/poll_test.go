package poll

import "pipecat-cloud-deploy/internal/pipecat"

// A client has all of it.
var _ API = (*pipecat.Client)(nil)

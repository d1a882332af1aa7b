package poll

import (
	"context"
	"time"

	"pipecat-cloud-deploy/internal/event"
)

// minLog is how many lines of an agent's log are read for the cause of its failure,
// which may be above those that are shown.
const minLog = 500

// AgentLog reads the last lines that a deployment of an agent has printed, shows n of
// them, and returns all. It takes no longer than the limit, and returns nil when they
// cannot be read.
func AgentLog(ctx context.Context, api Logs, agent, deployment string, n int, limit time.Duration, emit event.Emitter) (printed []string) {
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	lines, err := api.Logs(timed, agent, deployment, max(n, minLog))
	for _, l := range lines {
		printed = append(printed, l.Text)
	}
	emit.Emit(event.Output{Source: event.AgentLog, Lines: printed[max(0, len(printed)-n):], Err: err})
	return printed
}

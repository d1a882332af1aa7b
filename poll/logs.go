package poll

import (
	"context"
	"time"

	"pipecat-cloud-deploy/internal/event"
)

// AgentLog reads the last n lines that a deployment of an agent has printed, and
// shows them. It takes no longer than the limit, and returns nil when they cannot
// be read.
func AgentLog(ctx context.Context, api Logs, agent, deployment string, n int, limit time.Duration, emit event.Emitter) (printed []string) {
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	lines, err := api.Logs(timed, agent, deployment, n)
	for _, l := range lines {
		printed = append(printed, l.Text)
	}
	emit.Emit(event.Output{Source: event.AgentLog, Lines: printed, Err: err})
	return printed
}

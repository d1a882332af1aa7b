// Package poll waits: it reads again and again until a pure judge has a verdict.
// It writes nothing.
package poll

import (
	"context"

	"pipecat-cloud-deploy/internal/pipecat"
)

// API is all that is read. Each read is tried once, because polling itself continues.
type API interface {
	Agents
	Builds
	SecretSets
	Logs
	Sessions
}

// Agents reads agents.
type Agents interface {
	Agent(ctx context.Context, name string) (*pipecat.Agent, error)
}

// Builds reads builds and what they print.
type Builds interface {
	Build(ctx context.Context, id string) (*pipecat.Build, error)
	NewBuildLogs(ctx context.Context, id string, seen int) ([]string, error)
	LastBuildLogs(ctx context.Context, id string, n int) ([]string, error)
}

// SecretSets reads secret sets.
type SecretSets interface {
	SecretSet(ctx context.Context, name string) (*pipecat.SecretSet, error)
}

// Logs reads what agents print.
type Logs interface {
	Logs(ctx context.Context, agent, deployment string, n int) ([]pipecat.LogLine, error)
}

// Sessions reads the sessions of agents and what these print.
type Sessions interface {
	Session(ctx context.Context, agent, id string) (*pipecat.Session, error)
	Sessions(ctx context.Context, agent string, f pipecat.SessionFilter) ([]pipecat.Session, error)
	SessionLogs(ctx context.Context, agent, id string, n int) ([]pipecat.LogLine, error)
}

// Calls reads agents and their sessions.
type Calls interface {
	Agents
	Sessions
}

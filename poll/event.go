package poll

import (
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// Event is something that a waiting job has seen. It is told as it happens.
type Event interface{ pollEvent() }

// AgentSeen is one look at an agent.
type AgentSeen struct {
	Agent   *pipecat.Agent
	Look    Look
	Changed bool // there is something new to tell
	At      time.Time
	Elapsed time.Duration // since the wait began
}

// BuildSeen is a build's new status.
type BuildSeen struct {
	Build   *pipecat.Build
	At      time.Time
	Elapsed time.Duration // since the wait began
}

// BuildPrinted is what a build has printed since it was looked at last.
type BuildPrinted struct{ Lines []string }

// Alive is a sign of life: nothing has changed for a while.
type Alive struct {
	Stage   string        // where it is: "it is …"
	For     time.Duration // since when
	Elapsed time.Duration
}

// Ended says that the wait is over.
type Ended struct{ At time.Time }

// Away says that the API cannot be read any more.
type Away struct{ Err error }

// Back says that it can be read again.
type Back struct{ After time.Duration }

// Trouble says that the platform has an infrastructure issue of its own.
type Trouble struct{}

func (AgentSeen) pollEvent()    {}
func (BuildSeen) pollEvent()    {}
func (BuildPrinted) pollEvent() {}
func (Alive) pollEvent()        {}
func (Away) pollEvent()         {}
func (Back) pollEvent()         {}
func (Trouble) pollEvent()      {}
func (Ended) pollEvent()        {}

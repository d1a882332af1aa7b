package hearing

import "time"

const (
	early = 300 * time.Millisecond // by which an answer may precede the end of what is answered
	// Beyond is by how much an agent that cut in sooner continues after that end: longer
	// than an echo does.
	Beyond = 700 * time.Millisecond
)

// Call is what came of a call. Its times are since the connection. The zero Call
// was never connected.
type Call struct {
	Connected bool
	Dialed    time.Duration // from the dial to the connection, or to giving up
	Lasted    time.Duration

	Agent  []Span // when the agent spoke
	Caller []Span // when the caller did: one utterance at most

	HungUp    bool     // the agent ended it
	CloseCode int      // with which it closed a WebSocket; 0 where there is none
	Sounds    int      // messages of sound that arrived, silence included
	Foreign   int      // messages in a protocol that the caller does not speak
	Errors    []string // that the agent reported of itself; not ours
}

// Answer is when the agent spoke first; not where the caller did, or nobody.
func (c Call) Answer() (at time.Duration, spoke bool) {
	if len(c.Agent) == 0 || len(c.Caller) > 0 && c.Caller[0].From <= c.Agent[0].From {
		return 0, false
	}
	return c.Agent[0].From, true
}

// Response is how long after the end of what the caller said the agent answered: 0
// where it cut in. What the agent was already saying is no answer, nor is what it says
// while the caller speaks and ends with that.
func (c Call) Response() (after time.Duration, answered bool) {
	if len(c.Caller) == 0 {
		return 0, false
	}
	said := c.Caller[0]
	for _, s := range c.Agent {
		soon := s.From > said.To-early && s.To > said.To
		if s.From > said.From && (soon || s.To > said.To+Beyond) {
			return max(0, s.From-said.To), true
		}
	}
	return 0, false
}

package summary

import (
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
)

// maxGap is the longest time between two reads of the agent for which it is known
// what callers reached.
const maxGap = 30 * time.Second

// reach is what callers reach.
type reach int

const (
	reachNone    reach = iota // the agent has not been read yet
	reachEarlier              // an earlier deployment, or the one that a rollback made
	reachOurs
	reachNothing
	reachUnknown
	reaches
)

// callers says for how long callers reached what, as far as reads of the agent
// show. It is a value: a copy of it is a copy of all.
type callers struct {
	spent [reaches]time.Duration
	now   reach
	at    time.Time // of the last read
}

// add counts a read of the agent. Ours is the deployment that a rollback would
// undo.
func (c *callers) add(seen revision.State, target string, at time.Time) {
	*c = c.until(at)
	switch {
	case seen.Serving == revision.ServingNothing:
		c.now = reachNothing
	case seen.ServingID == "" && seen.Serving != revision.ServingPrevious:
		c.now = reachUnknown
	case seen.ServingID != "" && seen.ServingID == target:
		c.now = reachOurs
	default:
		c.now = reachEarlier
	}
}

// until includes the time since the last read.
func (c callers) until(at time.Time) callers {
	since := at.Sub(c.at)
	switch {
	case c.now == reachNone:
	case since > maxGap:
		c.spent[reachUnknown] += since
	default:
		c.spent[c.now] += since
	}
	c.at = at
	return c
}

// affected says how callers fared until a time at which a rollback was over.
func (c callers) affected(at time.Time) string {
	c = c.until(at)
	var reached []string
	for _, what := range []struct {
		name  string
		reach reach
	}{{"nothing", reachNothing}, {"the failed version", reachOurs}} {
		if c.spent[what.reach] == 0 && c.now != what.reach {
			continue
		}
		words := what.name + " for about " + quantity.Span(c.spent[what.reach])
		if c.now == what.reach {
			words += " so far"
		}
		reached = append(reached, words)
	}
	unknown := ""
	if c.spent[reachUnknown] > 0 || c.now == reachNone || c.now == reachUnknown {
		unknown = "what they reached for about " + quantity.Span(c.spent[reachUnknown]) + " is unknown"
	}
	switch {
	case reached == nil && unknown == "":
		return "Callers were not affected: an earlier deployment served all calls."
	case reached == nil:
		return "It is unknown whether callers were affected: " + unknown + "."
	case unknown != "":
		unknown = "; " + unknown
	}
	return "Callers reached " + strings.Join(reached, ", and ") + unknown + "."
}

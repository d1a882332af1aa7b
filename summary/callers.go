package summary

import (
	"strings"
	"time"

	"pipecat-cloud-deploy/poll"
)

// blind is how long no look at the agent may have got through before it is not
// known any more what callers reached.
const blind = 30 * time.Second

// callers says for how long callers reached what, as far as looks at the agent
// show.
type callers struct {
	earlier, ours, nothing, unknown time.Duration

	at    time.Time // of the last look
	reach *time.Duration
}

// seen takes note of a look. Ours is the deployment that a rollback would undo.
func (c *callers) seen(look poll.Look, ours string, at time.Time) {
	c.until(at)
	c.at = at
	switch {
	case look.Serving == poll.ServesNothing:
		c.reach = &c.nothing
	case look.Server == "" && look.Serving != poll.ServesPrevious:
		c.reach = &c.unknown
	case look.Server != "" && look.Server == ours:
		c.reach = &c.ours
	default:
		c.reach = &c.earlier
	}
}

// until counts the time since the last look.
func (c *callers) until(now time.Time) {
	since := now.Sub(c.at)
	switch {
	case c.reach == nil:
	case since > blind:
		c.unknown += since
	default:
		*c.reach += since
	}
	c.at = now
}

// affected says how callers fared until a rollback was done with.
func (c *callers) affected(now time.Time) string {
	c.until(now)
	var reached []string
	for _, what := range []struct {
		name string
		long *time.Duration
	}{{"nothing", &c.nothing}, {"the new revision", &c.ours}} {
		if *what.long == 0 && c.reach != what.long {
			continue
		}
		words := what.name + " for about " + span(*what.long)
		if c.reach == what.long {
			words += " by now"
		}
		reached = append(reached, words)
	}
	untold := ""
	if c.unknown > 0 || c.reach == nil || c.reach == &c.unknown {
		untold = "what they reached for about " + span(c.unknown) + " is not known"
	}
	switch {
	case reached == nil && untold == "":
		return "Callers were not affected: an earlier deployment served them all along."
	case reached == nil:
		return "Whether callers were affected is not known: " + untold + "."
	case untold != "":
		untold = "; " + untold
	}
	return "Callers reached " + strings.Join(reached, ", and ") + untold + "."
}

package summary

import (
	"fmt"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/hearing"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/verdict"
)

func (l *list) calling(e event.Calling) {
	l.group("Test call by " + e.Road)
	if e.Attempt > 1 {
		l.say("Calling %s again.", l.r.agent)
		return
	}
	l.say("Calling %s.", l.r.agent)
}

// called shows the result of a test call, and who spoke when.
func (l *list) called(e event.Called) {
	if e.Session != "" {
		l.say("Session %s.", e.Session)
	}
	for line := range strings.Lines(picture(e.Heard)) {
		l.add(step("  " + strings.TrimRight(line, "\n"))) // of ours alone
	}
	switch at, spoke := e.Heard.Answer(); {
	case spoke:
		l.say("The agent spoke first after %s.", seconds(at))
	case e.Answer == verdict.Answered && !e.Heard.Connected:
		l.say("The session is live, and its log shows no exception.")
	}
	if after, answered := e.Heard.Response(); answered {
		l.say("The agent responded %s after the caller.", seconds(after))
	}
	for _, text := range e.Heard.Errors {
		l.say("The agent reports: %s", text)
	}
}

// baked shows what real callers met, at the end or when something fails.
func (l *list) baked(e event.Baked) {
	l.agentGroup("Watch")
	if !e.End && e.Failed == 0 {
		return
	}
	l.say("%s", callersMet(e))
	if e.End && e.Old > 0 {
		l.annotate(gha.Notice, "Old instances", fmt.Sprintf("%s went to instances of another deployment during the bake time.", quantity.Count(e.Old, "session")))
	}
}

// callersMet says what real callers met.
func callersMet(e event.Baked) string {
	switch {
	case e.NotRead:
		return "The sessions of real callers could not be read; only the deployment was watched."
	case e.Sessions+e.Active == 0:
		return fmt.Sprintf("No real session in %s.", quantity.Span(e.For))
	case e.Sessions == 0:
		return fmt.Sprintf("%s of real callers, none ended yet, in %s.", quantity.Count(e.Active, "session"), quantity.Span(e.For))
	}
	return fmt.Sprintf("%s of real callers ended in %s; %d failed.", quantity.Count(e.Sessions, "session"), quantity.Span(e.For), e.Failed)
}

// seconds is a time of a call, as the outputs have it.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }

// cells is how wide the picture of a call is: it fits a phone.
const cells = 32

// picture draws who spoke when in a call, a line each, in letters that read in any
// color; "" where nobody did.
func picture(c hearing.Call) string {
	if len(c.Agent)+len(c.Caller) == 0 || c.Lasted <= 0 {
		return ""
	}
	row := func(who string, spans []hearing.Span) string {
		line := []rune(strings.Repeat("·", cells))
		for _, s := range spans {
			from, to := cell(s.From, c.Lasted), cell(s.To, c.Lasted)
			for i := from; i <= max(from, to-1) && i < cells; i++ {
				line[i] = '█'
			}
		}
		return fmt.Sprintf("%-6s  %s\n", who, string(line))
	}
	end := quantity.Span(c.Lasted)
	scale := fmt.Sprintf("%-6s  0%s\n", "", strings.Repeat(" ", cells-1-len(end))+end)
	return row("agent", c.Agent) + row("caller", c.Caller) + scale
}

func cell(at, of time.Duration) int {
	return min(cells-1, max(0, int(at*cells/of)))
}

// callPicture is the picture on the page; "" where there is none.
func (r *Record) callPicture() string {
	if r.called == nil || picture(r.called.Heard) == "" {
		return ""
	}
	return fence(picture(r.called.Heard)) + "\n"
}

// callTimes are the outputs answer-time and response-time; "" where they are unknown.
func (r *Record) callTimes() (answer, response string) {
	if r.called == nil {
		return "", ""
	}
	if at, spoke := r.called.Heard.Answer(); spoke {
		answer = fmt.Sprintf("%.2f", at.Seconds())
	}
	if after, answered := r.called.Heard.Response(); answered {
		response = fmt.Sprintf("%.2f", after.Seconds())
	}
	return answer, response
}

package summary

import (
	"fmt"
	"slices"
	"strings"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/poll"
)

// Deploy shows what happens on the way to the deployment.
func (r *Report) Deploy(e deploy.Event) {
	defer r.survive()
	switch e := e.(type) {
	default:
		r.building(e)
	case deploy.Change:
		r.planned(e)
	case deploy.Taken:
		r.wasTaken(e)
	case deploy.Kept:
		r.annotate(warningKind, "Not rolled back", fmt.Sprintf("Not rolled back: %v.", e.Why), place{})
	case deploy.Held:
		r.say("The %s is not taken yet, and is sent again in %s: %v", r.request(), span(e.Next), e.Why)
	case deploy.Doubted:
		r.say("An earlier request may have been taken all the same, and the agent is read to see that: %v", e.Why)
	case deploy.Unseen:
		r.say("No new deployment shows yet, and the agent is read again.")
	case deploy.Unread:
		r.say("The agent cannot be read, and is read again in %s: %v", span(e.Next), e.Why)
	case deploy.Lost:
		text := fmt.Sprintf("The %s got no clear answer. The agent is read, to see whether it was taken, before anything is sent again: %v", r.request(), e.Why)
		if r.lost {
			r.say("%s", text)
			return
		}
		r.lost = true
		r.annotate(warningKind, "No clear answer", text, place{})
	}
}

// request is what was sent last, or is about to be.
func (r *Report) request() string {
	if r.undo != nil {
		return "rollback"
	}
	return "update"
}

const nothingNew = "nothing changes that needs one. A tag that the agent has is not fetched again, and new values in a secret set do not count: set force-redeploy: true to deploy all the same."

func (r *Report) planned(c deploy.Change) {
	if c.Undoes != "" {
		r.undo = &c
		r.group("Roll back " + r.agent)
		r.say("Deployment %s failed: %s", short(c.Undoes), r.failure)
		for _, s := range c.Plan {
			r.say("%s: %s", s.Name, becomes(s))
		}
		return
	}
	r.change = &c
	r.previous, r.region = c.Previous(), c.Region()
	if c.Before == nil {
		r.group("Create " + r.agent)
		r.say("Agent %s does not exist yet.", r.agent)
	} else {
		r.group("Update " + r.agent)
		r.say("Agent %s exists%s%s.", r.agent, with(" in ", r.region), with(", with deployment ", short(r.previous)))
	}
	for _, s := range c.Plan {
		if s.From != "" {
			r.say("%s: %s", s.Name, becomes(s))
		}
	}
	r.runs(c.Artefact.Build)
	if c.Rollback && c.Before != nil {
		r.wayBack(c)
	}
	switch {
	case c.OnlyScales():
	case c.Idle():
		if r.dryRun { // else the platform knows
			r.annotate(warningKind, "Nothing new", "As far as can be seen, this would make no new deployment: "+nothingNew, place{})
		}
	case c.Before != nil && c.Force && !slices.ContainsFunc(c.Plan, deploy.Setting.Changes):
		r.say("Deploy anew what it has.")
	case c.Artefact == deploy.Artefact{}:
		r.annotate(noticeKind, "Settings only", "Neither image nor build-id is set, so the agent keeps its image and only its settings change.", place{})
	}
}

// wayBack tells beforehand what a rollback cannot do.
func (r *Report) wayBack(c deploy.Change) {
	if _, _, err := c.Reverse(); err != nil {
		r.annotate(warningKind, "No rollback", fmt.Sprintf("If this fails, it is not rolled back: %v.", err), place{})
		return
	}
	if names := c.Untold(); names != nil {
		r.say("A rollback would leave %s as asked for, for the platform does not tell what it was.", strings.Join(names, " and "))
	}
	if slices.ContainsFunc(c.Plan, func(s deploy.Setting) bool { return s.Name == "image" && s.From != "" && !s.Changes() }) {
		r.say("A rollback would leave the image, for its tag stays; what was behind it before is not known.")
	}
}

func (r *Report) wasTaken(t deploy.Taken) {
	if r.undo != nil {
		if t.Unchanged() {
			r.say("The platform made no deployment of it.")
			return
		}
		r.undone = t.ID
		r.say("Taken as deployment %s.", t.ID)
		return
	}
	r.taken = &t
	r.deployment = t.ID
	if t.Agent.Region != "" {
		r.region = t.Agent.Region
	}
	said := ""
	if t.Agent.Warning != "" {
		said = " The platform says: " + t.Agent.Warning
	}
	switch {
	case t.Unchanged() && r.change.OnlyScales():
		r.annotate(noticeKind, "No new deployment", "Scaling alone makes no new deployment, and takes effect by itself."+said, place{})
	case t.Unchanged() && r.change.Force:
		r.annotate(warningKind, "No new deployment", "The platform made no new deployment, although force-redeploy asks for one."+said, place{})
	case t.Unchanged():
		r.annotate(warningKind, "No new deployment",
			"The platform made no new deployment: "+nothingNew+said, place{})
	case t.Previous == "":
		r.say("Taken as deployment %s.", t.ID)
	default:
		r.say("Taken as deployment %s; before, it was %s.", t.ID, short(t.Previous))
	}
	if !t.Unchanged() && t.Agent.Warning != "" {
		r.annotate(warningKind, "The platform warns", t.Agent.Warning, place{})
	}
}

// Poll shows what is seen while waiting.
func (r *Report) Poll(e poll.Event) {
	defer r.survive()
	switch e := e.(type) {
	case poll.AgentSeen:
		part := "Rollout"
		if r.undo != nil {
			part = "Rollback"
			r.group("Wait for the rollback, deployment " + short(r.undone))
		} else {
			r.group("Wait for deployment " + short(r.deployment))
		}
		if e.Look.Stage != poll.Superseded { // which shows nothing of ours
			r.now = e.Look
			r.callers.seen(e.Look, r.deployment, e.At)
			if r.undo == nil {
				r.document, r.look = e.Agent, e.Look
			}
		}
		r.enter(part, e.Look.Stage, e.At)
		if e.Changed {
			r.at(e.Elapsed, describe(e.Look))
		}
	case poll.BuildSeen:
		r.group("Wait for build " + short(r.build))
		r.enter("Build", e.Build.Status, e.At)
		r.at(e.Elapsed, e.Build.Status)
	case poll.BuildPrinted:
		r.printed(e.Lines)
	case poll.Ended:
		r.enter("", "", e.At)
	case poll.Alive:
		r.at(e.Elapsed, fmt.Sprintf("still %s, for %s", e.Stage, span(e.For)))
	case poll.Away:
		if r.away {
			r.say("The API cannot be read again; waiting goes on: %v", e.Err)
			return
		}
		r.away = true
		r.annotate(warningKind, "The API cannot be read", fmt.Sprintf("The API cannot be read; waiting goes on: %v", e.Err), place{})
	case poll.Back:
		r.say("The API can be read again, after %s.", span(e.After))
	case poll.Trouble:
		r.annotate(warningKind, "Trouble at the platform", "The platform tells of an infrastructure issue of its own; if that lasts, ask its support.", place{})
	}
}

// becomes says what a setting was and is to be.
func becomes(s deploy.Setting) string {
	from := ""
	if s.From != "input" && s.From != "rollback" {
		from = " (" + s.From + ")"
	}
	switch {
	case !s.Changes():
		return s.After + ", as before" + from
	case s.Before == "":
		return s.After + from
	}
	return s.Before + " → " + s.After + from
}

// describe says what a look shows.
func describe(l poll.Look) string {
	text := l.Stage
	if l.Started > 0 || l.Ready > 0 {
		text += " · " + replicas(l)
	}
	if l.Restarts > 0 {
		text += " · " + plural(l.Restarts, "restart")
	}
	if l.Reason != "" {
		text += " · " + l.Reason
	}
	return text
}

func replicas(l poll.Look) string {
	if l.Ready == 0 && l.Serving == poll.ServesOurs {
		return "none kept warm"
	}
	return fmt.Sprintf("%d ready", l.Ready)
}

package summary

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/untrusted"
)

const maxLine = 8 << 10

// item is a part of the log: one of the types below, or a gha.Annotation. Its text
// is clean.
type item any

type (
	group    string   // begins a part that folds, unless it is the agent's current one
	groupEnd struct{} // ends it
	step     string   // a line of a group
	line     string   // a line that stands for itself
	foreign  string   // a block that is not ours
)

// list makes the items of an entry.
type list struct {
	r         *Record
	reverting bool // the entry is of a rollback
	items     []item
}

// lines is what the log shows of an entry that the record has already. It changes
// nothing.
func lines(r *Record, e event.Entry) []item {
	l := list{r: r, reverting: e.Step == event.Revert}
	switch ev := e.Event.(type) {
	default:
		panic(fmt.Sprintf("the log has no line for %T", ev))
	case event.Configured:
		l.configured(ev)
	case event.InvalidInputs:
		l.invalid(ev.Problems)
	case event.BuildFound, event.BuildStarted, event.BuildStatus, event.Packed, event.Progress, event.Uploaded:
		l.building(e)
	case event.Planned:
		if l.reverting {
			l.revert(ev)
		} else {
			l.planned(ev)
		}
	case event.SecretsStored:
		l.say("Secret set %s has the secrets.", ev.Set)
	case event.SecretsStatus:
		l.at(ev.Elapsed, fmt.Sprintf("secret set %s is %s", ev.Set, ev.Status))
	case event.Retrying:
		l.retrying(ev)
	case event.ResponseLost:
		l.lost(ev)
	case event.Accepted:
		l.accepted(ev)
	case event.Observed:
		if l.reverting {
			l.group("Wait for the rollback, deployment " + short(r.restored))
		} else {
			l.group("Wait for deployment " + short(r.deployment))
		}
		if ev.Changed {
			l.at(ev.Elapsed, describe(ev.State))
		}
	case event.Heartbeat:
		l.at(ev.Elapsed, fmt.Sprintf("still %s, for %s", ev.Stage, quantity.Span(ev.For)))
	case event.Unreachable:
		if r.unreachable > 1 {
			l.say("The API cannot be read again; waiting goes on: %v", ev.Err)
		} else {
			l.annotate(gha.Warning, "The API cannot be read", fmt.Sprintf("The API cannot be read; waiting goes on: %v", ev.Err))
		}
	case event.Recovered:
		l.say("The API can be read again, after %s.", quantity.Span(ev.After))
	case event.PlatformErrors:
		for _, text := range ev.Texts {
			l.say("The platform reports: %s", text)
		}
	case event.PlatformIssue:
		l.annotate(gha.Warning, "Trouble at the platform", "The platform tells of an infrastructure issue of its own; if that lasts, ask its support.")
	case event.Output:
		l.output(ev)
	case event.NotReverted:
		l.annotate(gha.Warning, "Not rolled back", fmt.Sprintf("Not rolled back: %v.", ev.Err))
	case event.Finished:
		l.finished()
	case event.WaitEnded, event.Diagnosed:
		// The end of the log shows what they say.
	}
	return l.items
}

func (l *list) add(i item) { l.items = append(l.items, i) }

// group begins a part of the log, unless the agent is in it.
func (l *list) group(title string) { l.add(group(l.clean(title))) }

// say adds a line. It must begin with a word of ours.
func (l *list) say(format string, args ...any) {
	l.add(step("  " + l.clean(fmt.Sprintf(format, args...))))
}

// at adds a line about a time since a wait began.
func (l *list) at(elapsed time.Duration, text string) {
	l.add(step(fmt.Sprintf("  %9s  %s", quantity.Span(elapsed), l.clean(text))))
}

func (l *list) annotate(k gha.Kind, title, text string) {
	l.add(annotation(l.r.Cleaner, gha.Annotation{Kind: k, Title: title, Text: text}))
}

func (l *list) clean(s string) string { return untrusted.Cut(l.r.line(s), maxLine) }

// annotation cleans all texts of one.
func annotation(c untrusted.Cleaner, a gha.Annotation) gha.Annotation {
	a.Title, a.File, a.Text = c.Line(a.Title), c.Line(a.File), untrusted.Cut(c.Line(a.Text), maxLine)
	more := slices.Clone(a.More)
	for i := range more {
		more[i] = untrusted.Cut(c.Line(more[i]), maxLine)
	}
	a.More = more
	return a
}

// request is what is sent in this step.
func (l *list) request() string {
	if l.reverting {
		return "rollback"
	}
	return "update"
}

func (l *list) retrying(e event.Retrying) {
	in := quantity.Span(e.In)
	switch e.Try {
	case event.TryUpdate:
		l.say("The %s is not taken yet, and is sent again in %s: %v", l.request(), in, e.Err)
	case event.TrySecrets:
		l.say("The secrets are not stored yet, and are sent again in %s: %v", in, e.Err)
	case event.TryLookup:
		if e.Err == nil {
			l.say("No new deployment shows yet, and the agent is read again.")
		} else {
			l.say("The agent cannot be read, and is read again in %s: %v", in, e.Err)
		}
	case event.TryUpload:
		l.say("It goes on after a failure: the upload is repeated in %s: %v", in, e.Err)
	case event.TryBuildRequest:
		l.say("It goes on after a failure: the request for the build is repeated in %s: %v", in, e.Err)
	default:
		l.say("A read failed and is tried again in %s: %v", in, e.Err)
	}
}

func (l *list) lost(e event.ResponseLost) {
	if e.Refused {
		l.say("An earlier request may have been taken all the same, and the agent is read to see that: %v", e.Err)
		return
	}
	text := fmt.Sprintf("The %s got no clear answer. The agent is read, to see whether it was taken, before anything is sent again: %v", l.request(), e.Err)
	if l.r.lost > 1 {
		l.say("%s", text)
		return
	}
	l.annotate(gha.Warning, "No clear answer", text)
}

const nothingNew = "nothing changes that needs one. A tag that the agent has is not fetched again, and new values in a secret set do not count: set force-redeploy: true to deploy all the same."

func (l *list) revert(p event.Planned) {
	l.group("Roll back " + l.r.agent)
	l.say("Deployment %s failed: %s", short(p.Reverts), p.RevertedFailure)
	for _, row := range l.r.rows(p) {
		l.say("%s: %s", row.Name, row.becomes())
	}
}

func (l *list) planned(p event.Planned) {
	if p.Create {
		l.group("Create " + l.r.agent)
		l.say("Agent %s does not exist yet.", l.r.agent)
	} else {
		l.group("Update " + l.r.agent)
		l.say("Agent %s exists%s%s.", l.r.agent, with(" in ", p.Region), with(", with deployment ", short(p.PreviousID)))
	}
	rows := l.r.rows(p)
	for _, row := range rows {
		if row.Asked {
			l.say("%s: %s", row.Name, row.becomes())
		}
	}
	if p.BuildID != "" && p.BuildStatus != pipecat.BuildSuccess {
		l.annotate(gha.Notice, "The build runs", fmt.Sprintf("Build %s is %s, and may fail yet.", l.r.build, p.BuildStatus))
	}
	l.secrets(p)
	if p.Rollback && !p.Create {
		l.wayBack(p)
	}
	switch {
	case p.ScalingOnly:
	case !p.NeedsDeployment:
		if l.r.asked.DryRun { // else the platform knows
			l.annotate(gha.Warning, "Nothing new", "As far as can be seen, this would make no new deployment: "+nothingNew)
		}
	case !p.Create && p.Force && !slices.ContainsFunc(rows, func(row row) bool { return row.Moves }):
		l.say("Deploy anew what it has.")
	case p.Image == "" && !p.FromBuild:
		l.annotate(gha.Notice, "Settings only", "Neither image nor build-id is set, so the agent keeps its image and only its settings change.")
	}
}

// secrets says what of the secrets no one can undo.
func (l *list) secrets(p event.Planned) {
	if p.Secrets == nil || p.Secrets.Overwritten == nil {
		return
	}
	names := strings.Join(p.Secrets.Overwritten, ", ")
	if p.Rollback {
		l.annotate(gha.Warning, "Secrets are not rolled back", fmt.Sprintf("A rollback leaves the new values of %s in secret set %s: the values before cannot be read, and so not restored.", names, p.Secrets.Set))
		return
	}
	l.say("The values of %s before cannot be read, and so not restored.", names)
}

// wayBack says what a rollback could not do.
func (l *list) wayBack(p event.Planned) {
	if p.Irreversible != "" {
		l.annotate(gha.Warning, "No rollback", fmt.Sprintf("If this fails, it is not rolled back: %s.", p.Irreversible))
		return
	}
	if p.NotReported != nil {
		l.say("A rollback would leave %s as asked for, for the platform does not tell what it was.", strings.Join(p.NotReported, " and "))
	}
	if slices.ContainsFunc(p.Changes, func(c settings.Change) bool { return c.Name == settings.Image && c.Asked && !c.Moves }) {
		l.say("A rollback would leave the image, for its tag stays; what was behind it before is not known.")
	}
}

func (l *list) accepted(a event.Accepted) {
	unchanged := a.ID == a.Previous
	switch {
	case l.reverting && unchanged:
		l.say("The platform made no deployment of it.")
		return
	case l.reverting:
		l.say("Taken as deployment %s.", a.ID)
		return
	}
	change := l.r.change
	if change == nil {
		change = &event.Planned{}
	}
	said := with(" The platform says: ", a.Warning)
	switch {
	case unchanged && change.ScalingOnly:
		l.annotate(gha.Notice, "No new deployment", "Scaling alone makes no new deployment, and takes effect by itself."+said)
	case unchanged && change.Force:
		l.annotate(gha.Warning, "No new deployment", "The platform made no new deployment, although force-redeploy asks for one."+said)
	case unchanged:
		l.annotate(gha.Warning, "No new deployment", "The platform made no new deployment: "+nothingNew+said)
	case a.Previous == "":
		l.say("Taken as deployment %s.", a.ID)
	default:
		l.say("Taken as deployment %s; before, it was %s.", a.ID, short(a.Previous))
	}
	if !unchanged && a.Warning != "" {
		l.annotate(gha.Warning, "The platform warns", a.Warning)
	}
}

// describe says what a read of the agent shows.
func describe(s revision.State) string {
	text := string(s.Stage)
	if s.Started > 0 || s.Ready > 0 {
		text += " · " + replicas(s)
	}
	if s.Restarts > 0 {
		text += " · " + quantity.Count(s.Restarts, "restart")
	}
	return text + with(" · ", s.Reason)
}

func replicas(s revision.State) string {
	if s.Ready == 0 && s.Serving == revision.ServingOurs {
		return "none kept warm"
	}
	return fmt.Sprintf("%d ready", s.Ready)
}

// short is as much of an id as people compare.
func short(id string) string {
	if i := strings.IndexByte(id, '-'); i >= 8 {
		id = id[:i]
	}
	return untrusted.Cut(id, 64)
}

// with is the words and what they are about, or nothing.
func with(words, about string) string {
	if about == "" {
		return ""
	}
	return words + about
}

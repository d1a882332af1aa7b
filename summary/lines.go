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

// item is a part of the log: one of the types below. Its text is clean.
type item any

type (
	group struct { // begins a part that folds, unless it is the agent's current one
		title string
		named bool // the title names the agent
	}
	groupEnd struct{} // ends it
	step     string   // a line of a group
	line     string   // a line that stands for itself
	foreign  string   // a block that is not ours
	note     struct {
		gha.Annotation
		topic topic
	}
)

// topic is what a note is about. It says how long the page shows the note.
type topic int

const (
	theJob     topic = iota // for good
	thePlan                 // until there is another plan
	theWayBack              // likewise, and only until it is known what became of a rollback
)

// list makes the items of an entry.
type list struct {
	r         *Record
	reverting bool  // the entry is of a rollback
	topic     topic // of the notes that follow
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
	case event.BuildFound, event.BuildStarted, event.BuildStatus, event.Packed, event.Missing, event.Progress, event.Uploaded:
		l.building(e)
	case event.Planned:
		if l.reverting {
			l.revert(ev)
		} else {
			l.topic = thePlan
			l.planned(ev)
		}
	case event.SecretsStored:
		l.say("Secret set %s has the secrets.", ev.Set)
	case event.SecretsStatus:
		l.at(ev.Elapsed, fmt.Sprintf("secret set %s is %s", ev.Set, ev.Status))
	case event.Retrying:
		l.retrying(ev)
	case event.ResponseLost:
		l.responseLost(ev)
	case event.Accepted:
		l.accepted(ev)
	case event.Observed:
		if e.Step == event.Bake {
			l.agentGroup("Watch")
			if ev.Changed {
				l.at(ev.Elapsed, describe(ev.State))
			}
			break
		}
		if l.reverting {
			l.group("Wait for the rollback (deployment " + short(r.restored) + ")")
		} else {
			l.group("Wait for deployment " + short(r.deploymentID))
		}
		if ev.Changed {
			l.at(ev.Elapsed, describe(ev.State))
		}
	case event.Heartbeat:
		l.at(ev.Elapsed, fmt.Sprintf("still %s, for %s", ev.Still, quantity.Span(ev.For)))
	case event.Unreachable:
		if r.unreachable > 1 {
			l.say("The API is unreachable again. Still waiting: %v", ev.Err)
		} else {
			l.annotate(gha.Warning, "API unreachable", fmt.Sprintf("The API is unreachable. Still waiting: %v", ev.Err))
		}
	case event.Recovered:
		l.say("The API is reachable again, after %s.", quantity.Span(ev.After))
	case event.PlatformErrors:
		for _, text := range ev.Texts {
			l.say("Pipecat Cloud reports an error: %s", text)
		}
	case event.PlatformIssue:
		l.annotate(gha.Warning, "Infrastructure problem", "Pipecat Cloud reports an infrastructure problem. If it persists, contact support.")
	case event.Checking:
		l.agentGroup("Check")
		l.say("Found agent %s%s with deployment %s. Nothing is deployed.", r.agent, with(" in ", ev.Region), short(ev.ID))
	case event.Calling:
		l.calling(ev)
	case event.Called:
		l.called(ev)
	case event.NotEnded:
		l.say("Session %s of the test call could not be ended, and continues until its bot notices that nobody is there: %v", ev.Session, ev.Err)
	case event.Baked:
		l.baked(ev)
	case event.Output:
		l.output(ev)
	case event.NotReverted:
		l.annotate(gha.Warning, "Not rolled back", fmt.Sprintf("Not rolled back: %v.", ev.Err))
	case event.Finished:
		l.finished()
	case event.WaitEnded, event.Diagnosed, event.Entrusted:
		// The end of the log shows what they say.
	}
	return l.items
}

func (l *list) add(i item) { l.items = append(l.items, i) }

// group begins a part of the log, unless the agent is in it.
func (l *list) group(title string) { l.add(group{title: l.clean(title)}) }

// agentGroup begins one whose title is what is done, and the agent.
func (l *list) agentGroup(what string) {
	l.add(group{title: l.clean(what + " " + l.r.agent), named: true})
}

// say adds a line. It must begin with a word of ours.
func (l *list) say(format string, args ...any) {
	l.add(step("  " + l.clean(fmt.Sprintf(format, args...))))
}

// at adds a line about a time since a wait began.
func (l *list) at(elapsed time.Duration, text string) {
	l.add(step(fmt.Sprintf("  %9s  %s", quantity.Span(elapsed), l.clean(text))))
}

func (l *list) annotate(k gha.Kind, title, text string) {
	n := annotation(l.r.Cleaner, gha.Annotation{Kind: k, Title: title, Text: text})
	n.topic = l.topic
	l.add(n)
}

func (l *list) clean(s string) string { return untrusted.Cut(l.r.line(s), maxLine) }

// annotation cleans all texts of one.
func annotation(c untrusted.Cleaner, a gha.Annotation) note {
	a.Title, a.File, a.Text = c.Line(a.Title), c.Line(a.File), untrusted.Cut(c.Line(a.Text), maxLine)
	more := slices.Clone(a.More)
	for i := range more {
		more[i] = untrusted.Cut(c.Line(more[i]), maxLine)
	}
	a.More = more
	return note{Annotation: a}
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
		l.say("The %s was not accepted yet; retrying in %s: %v", l.request(), in, e.Err)
	case event.TrySecrets:
		l.say("The secrets were not stored yet; retrying in %s: %v", in, e.Err)
	case event.TryLookup:
		if e.Err == nil {
			l.say("No new deployment yet; checking again.")
		} else {
			l.say("Reading the agent failed; retrying in %s: %v", in, e.Err)
		}
	case event.TryCall:
		l.say("Calling again in %s: %v.", in, e.Err)
	case event.TryUpload:
		l.say("The upload failed; retrying in %s: %v", in, e.Err)
	case event.TryBuildRequest:
		l.say("The request for the build failed; retrying in %s: %v", in, e.Err)
	default:
		l.say("A request failed; retrying in %s: %v", in, e.Err)
	}
}

func (l *list) responseLost(e event.ResponseLost) {
	if e.Refused {
		l.say("An earlier request may have been accepted anyway; checking the agent: %v", e.Err)
		return
	}
	text := fmt.Sprintf("No clear response to the %s; it may have been accepted. Checking the agent before sending anything again: %v", l.request(), e.Err)
	if l.r.responsesLost > 1 {
		l.say("%s", text)
		return
	}
	l.annotate(gha.Warning, "No clear response", text)
}

const nothingNew = "nothing changed. Re-pushed tags and updated secrets aren't picked up automatically; set force-redeploy: true to deploy anyway."

func (l *list) revert(p event.Planned) {
	l.agentGroup("Roll back")
	l.say("Deployment %s failed: %s", short(p.RevertsID), p.RevertedFailure)
	for _, row := range l.r.rows(p) {
		l.say("%s: %s", row.Name, row.becomes())
	}
}

func (l *list) planned(p event.Planned) {
	if p.Create {
		l.agentGroup("Create")
		l.annotate(gha.Warning, "New agent", l.r.creates(p))
	} else {
		l.agentGroup("Update")
		current := ""
		if p.Previous != "" {
			current = " (current deployment " + short(p.Previous) + ")"
		}
		l.say("Found agent %s%s%s.", l.r.agent, with(" in ", p.Region), current)
	}
	rows := l.r.rows(p)
	for _, row := range rows {
		if row.Asked {
			l.say("%s: %s", row.Name, row.becomes())
		}
	}
	if p.BuildID != "" && p.BuildStatus != pipecat.BuildSuccess {
		l.annotate(gha.Notice, "Build not finished", fmt.Sprintf("Build %s is %s and may still fail.", l.r.build, p.BuildStatus))
	}
	l.secrets(p)
	if p.Rollback && !p.Create {
		l.wayBack(p)
	}
	switch {
	case p.ScalingOnly:
	case !p.NeedsDeployment:
		if l.r.asked.DryRun { // else the platform knows
			l.annotate(gha.Warning, "Nothing to deploy", "This would probably make no new deployment: "+nothingNew)
		}
	case !p.Create && p.Force && !slices.ContainsFunc(rows, func(row row) bool { return row.Moves }):
		l.say("Redeploying the current version.")
	case p.Image == "" && !p.FromBuild:
		l.annotate(gha.Notice, "Settings only", "No image or build is set, so only settings change; the agent keeps its image.")
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
	defer func(was topic) { l.topic = was }(l.topic)
	l.topic = theWayBack
	if p.Irreversible != "" {
		l.annotate(gha.Warning, "No rollback", fmt.Sprintf("If this deployment fails, it can't be rolled back: %s.", p.Irreversible))
		return
	}
	if p.NotReported != nil {
		l.say("A rollback would leave the new %s, because the API does not report the previous value.", strings.Join(p.NotReported, " and "))
	}
	if slices.ContainsFunc(p.Changes, func(c settings.Change) bool { return c.Name == settings.Image && c.Asked && !c.Moves }) {
		l.say("A rollback would leave the image: its tag is the same, and what the tag pointed to before is unknown.")
	}
}

func (l *list) accepted(a event.Accepted) {
	unchanged := a.Unchanged()
	switch {
	case l.reverting && unchanged:
		l.say("Pipecat Cloud made no new deployment for it.")
		return
	case l.reverting:
		l.say("Deployment %s accepted.", a.ID)
		return
	}
	change := l.r.plan
	if change == nil {
		change = &event.Planned{}
	}
	said := with(" Pipecat Cloud says: ", a.Warning)
	switch {
	case unchanged && change.ScalingOnly:
		l.annotate(gha.Notice, "No new deployment", "Scaling takes effect without a new deployment."+said)
	case unchanged:
		l.annotate(gha.Warning, "No new deployment", "Nothing was deployed: "+nothingNew+said)
	case a.Previous == "":
		l.say("Deployment %s accepted.", a.ID)
	default:
		l.say("Deployment %s accepted (replaces %s).", a.ID, short(a.Previous))
	}
	if !unchanged && a.Warning != "" {
		l.annotate(gha.Warning, "Pipecat Cloud warns", a.Warning)
	}
}

// describe says what a read of the agent shows.
func describe(s revision.State) string {
	text := s.Stage.String()
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
		return "scaled to zero"
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

package summary

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/quantity"
)

const (
	maxNames   = 20 // of files that are named
	maxPrinted = 40 // lines of a build's log, at a read
)

// building shows what happens on the way to a build.
func (l *list) building(e event.Entry) {
	switch ev := e.Event.(type) {
	case event.BuildFound:
		l.found(ev, e.At)
	case event.BuildStarted:
		if ev.Reused {
			l.say("Reusing build %s (sources unchanged).", l.r.build)
			return
		}
		l.say("Build %s started.", l.r.build)
	case event.BuildStatus:
		l.group("Wait for build " + short(l.r.build))
		l.at(ev.Elapsed, ev.Status)
	case event.Packed:
		l.packed(ev)
	case event.Missing:
		l.missing(ev)
	case event.Progress:
		switch ev.Activity {
		case event.Packing:
			l.group("Pack the build context")
			l.say("%d of %d files, %s of %s", ev.Files, ev.TotalFiles, quantity.Size(ev.Done), quantity.Size(ev.Total))
		case event.Uploading:
			l.group("Upload the build context")
			if ev.Done > 0 {
				l.say("%s of %s%s", quantity.Size(ev.Done), quantity.Size(ev.Total), speed(ev.Done, ev.Elapsed))
			}
		}
	case event.Uploaded:
		l.group("Upload the build context")
		l.say("Uploaded %s in %s%s.", quantity.Size(ev.Size), quantity.Span(ev.Took), speed(ev.Size, ev.Took))
	}
}

func (l *list) found(b event.BuildFound, at time.Time) {
	if !b.Latest {
		l.say("Reusing build %s (sources unchanged). An updated base image doesn't trigger a rebuild.", l.r.build)
		return
	}
	l.group("Find the latest build")
	made := ""
	if !b.CreatedAt.IsZero() {
		made = fmt.Sprintf(", built %s ago", quantity.Age(at.Sub(b.CreatedAt)))
	}
	l.say("Build %s is the newest successful build in %s%s%s.", l.r.build, b.Region, made, with(", of context ", b.ContextHash))
}

func (l *list) packed(p event.Packed) {
	l.group("Pack the build context")
	l.say("Packed in %s: %s.", quantity.Span(p.Took), l.r.context)
	by := cmp.Or(p.IgnoreFile, "Pipecat Cloud's default list, as there is no .dockerignore")
	if p.ByInput {
		by += ", and by " + l.r.inputWithSource("build-exclude")
	}
	l.say("Excluded %s by %s.", entries(p.Excluded), by)
	l.names(p.Secrets, func(name string) {
		l.say("Skipped %q because it may contain secrets. Add %q to %s to include it.", name, buildcontext.Include(name), rulesFile(p.IgnoreFile))
	})
	l.names(p.NamedSecrets, func(name string) {
		l.say("Included %q, which may contain secrets, because a pattern names it.", name)
	})
	if len(p.Irregular) > 0 {
		names := make([]string, min(maxNames, len(p.Irregular)))
		for i := range names {
			names[i] = fmt.Sprintf("%q", p.Irregular[i])
		}
		l.annotate(gha.Warning, "Skipped special files", fmt.Sprintf("Skipped because it is neither a file nor a link (%d in all): %s",
			len(p.Irregular), strings.Join(names, ", ")))
	}
}

// entries counts files and folders.
func entries(n int) string {
	switch n {
	case 0:
		return "nothing"
	case 1:
		return "1 file or folder"
	}
	return fmt.Sprintf("%d files and folders", n)
}

// names shows names, each in a line, and counts those beyond the twentieth.
func (l *list) names(all []string, show func(name string)) {
	for i, name := range all {
		if i == maxNames {
			l.say("… and %d more.", len(all)-i)
			break
		}
		show(name)
	}
}

// rulesFile is where a user adds a rule: the ignore file, or the input for it where
// there is none, as a new file would replace the platform's list.
func rulesFile(ignoreFile string) string {
	return cmp.Or(ignoreFile, "build-exclude")
}

// output shows what an agent or a build printed. The last lines of a build that
// failed are in the failure.
func (l *list) output(o event.Output) {
	switch {
	case o.Source == event.AgentLog && o.Err != nil:
		l.say("The agent log could not be read: %v", o.Err)
	case o.Source == event.AgentLog && len(o.Lines) > 0:
		l.group("Agent log (" + lastLines(l.r.logged) + ")")
		l.add(foreign(l.r.agentLog))
	case o.Source == event.BuildLog:
		shown := o.Lines[max(0, len(o.Lines)-maxPrinted):]
		if more := len(o.Lines) - len(shown); more > 0 {
			l.say("… %s more", quantity.Count(more, "line"))
		}
		l.add(foreign(l.r.Cleaner.Blocks(shown)))
	case o.Source == event.BuildTail && o.Err != nil:
		l.say("The build log could not be read: %v", o.Err)
	}
}

func lastLines(n int) string {
	if n == 1 {
		return "last line"
	}
	return fmt.Sprintf("last %d lines", n)
}

// speed is that of an upload, once it took long enough to have one.
func speed(bytes int64, in time.Duration) string {
	if in < time.Second {
		return ""
	}
	return ", " + quantity.Size(int64(float64(bytes)/in.Seconds())) + "/s"
}

package summary

import (
	"fmt"
	"strings"
	"time"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/internal/pipecat"
)

const (
	maxNames   = 20 // of files that are told
	maxPrinted = 40 // lines of a build's log, at a look
)

// build is what is known of the build that is deployed.
type build struct {
	context string // what it was packed of
	found   bool   // it was there before
}

// building shows what happens on the way to a build.
func (r *Report) building(e deploy.Event) {
	switch e := e.(type) {
	case deploy.Found:
		r.found(e)
	case deploy.Packing:
		r.group("Pack the build context")
		r.say("%d of %d files, %s of %s", e.Files, e.AllFiles, size(e.Bytes), size(e.AllBytes))
	case deploy.Packed:
		r.packed(e)
	case deploy.Uploading:
		r.group("Upload the build context")
		r.enter("Build", "uploading", time.Now().Add(-e.Elapsed))
		if e.Sent == 0 {
			return
		}
		r.say("%s of %s%s", size(e.Sent), size(e.Size), speed(e.Sent, e.Elapsed))
	case deploy.Uploaded:
		r.group("Upload the build context")
		r.enter("Build", "uploading", time.Now().Add(-e.Took))
		r.say("Uploaded %s in %s%s.", size(e.Size), span(e.Took), speed(e.Size, e.Took))
	case deploy.Repeated:
		r.say("It goes on after a failure: %s is repeated in %s: %v", e.What, span(e.Next), e.Why)
	case deploy.Created:
		r.build = r.line(e.Build.ID)
		if e.Cached {
			r.of.found = true
			r.say("Build %s was made of the same before, and is used.", r.build)
			return
		}
		r.say("Build %s has begun.", r.build)
	case deploy.Unlogged:
		r.say("The build's log could not be read: %v", e.Why)
	}
}

func (r *Report) found(e deploy.Found) {
	r.build = r.line(e.Build.ID)
	r.of.found = true
	if !e.Latest {
		r.say("Build %s was made of the same before, and is used. What else it is made of, such as its base image, may have moved: what changes the context builds anew.", r.build)
		return
	}
	r.group("Find the latest build")
	made := ""
	if t := e.Build.CreatedAt.Time; !t.IsZero() {
		made = fmt.Sprintf(", made %s ago", age(time.Since(t)))
	}
	r.say("Build %s is the newest in %s that succeeded%s%s.", r.build, e.Build.Region, made, with(", of context ", e.Build.ContextHash))
}

func (r *Report) packed(e deploy.Packed) {
	a := e.Archive
	r.group("Pack the build context")
	r.enter("Build", "packing", time.Now().Add(-e.Took))
	r.of.context = fmt.Sprintf("%s in %s, packed to %s, with hash %s", size(a.Unpacked), plural(a.Files, "file"), size(a.Size), a.Hash)
	r.say("Packed in %s: %s.", span(e.Took), r.of.context)
	if a.IgnoreFile == "" {
		r.say("There is no .dockerignore, so the platform's own list says what stays out.")
	} else {
		r.say("What %q names stays out.", a.IgnoreFile)
	}
	for i, name := range a.KeptOut {
		if i == maxNames {
			r.say("… and %d more.", len(a.KeptOut)-i)
			break
		}
		r.say("Kept out, for it may hold a secret: %q. Only a pattern with ! takes it in.", name)
	}
	if len(a.Left) > 0 {
		names := make([]string, min(maxNames, len(a.Left)))
		for i := range names {
			names[i] = fmt.Sprintf("%q", a.Left[i])
		}
		r.annotate(warningKind, "Left out of the build", fmt.Sprintf("Left out of the build context, for it is neither a file nor a link (%d in all): %s",
			len(a.Left), strings.Join(names, ", ")), place{})
	}
}

// printed shows what a build prints, as it comes.
func (r *Report) printed(lines []string) {
	more := len(lines) - maxPrinted
	if more > 0 {
		lines = lines[more:]
		r.say("… %s more", plural(more, "line"))
	}
	r.log.foreign(r.blocks(lines))
}

// runs tells of a build that may fail yet.
func (r *Report) runs(b *pipecat.Build) {
	if b != nil && b.ID != "" && b.Status != pipecat.BuildSuccess {
		r.annotate(noticeKind, "The build runs", fmt.Sprintf("Build %s is %s, and may fail yet.", r.build, b.Status), place{})
	}
}

// size shows a number of bytes.
func size(n int64) string {
	switch {
	case n < 1<<10:
		return plural(int(n), "byte")
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// speed shows that of an upload, once it took long enough to have one.
func speed(bytes int64, in time.Duration) string {
	if in < time.Second {
		return ""
	}
	return ", " + size(int64(float64(bytes)/in.Seconds())) + "/s"
}

// age shows how long ago something was.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 2*time.Hour:
		return plural(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour")
	}
	return plural(int(d.Hours()/24), "day")
}

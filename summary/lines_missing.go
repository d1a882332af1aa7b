package summary

import (
	"fmt"
	"path"
	"strings"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/quantity"
)

// maxMissing is how many sources of a Dockerfile are shown, each a warning.
const maxMissing = 10

// missing shows what a Dockerfile does not find in its build context, each on its
// line. They are warnings: the error is the builder's, which alone knows what else
// its base images and its version make of a Dockerfile.
func (l *list) missing(e event.Missing) {
	l.group("Pack the build context")
	for i, m := range e.Sources {
		if i == maxMissing {
			l.say("… and %d more that the Dockerfile does not find.", len(e.Sources)-i)
			break
		}
		l.add(annotation(l.r.Cleaner, gha.Annotation{Kind: gha.Warning, Title: "Not in the build context", File: e.Dockerfile, Line: m.Line,
			Text: fmt.Sprintf("%s: %s.%s %s", instruction(m), fact(l.r, e, m), consequence(m), remedy(e, m))}))
	}
}

// instruction is what takes the source, as the Dockerfile has it.
func instruction(m buildcontext.Missing) string {
	if m.Instruction == "RUN" {
		return fmt.Sprintf("RUN --mount=type=bind,source=%s", m.Written)
	}
	return m.Instruction + " " + m.Written
}

// what names what is missing.
func what(m buildcontext.Missing) string {
	if more := len(m.Paths) - 1; more > 0 {
		return fmt.Sprintf("%q and %s", m.Paths[0], quantity.Count(more, "other"))
	}
	return fmt.Sprintf("%q", m.Paths[0])
}

// fact says what is missing, and why.
func fact(r *Record, e event.Missing, m buildcontext.Missing) string {
	is, it := "is", "it"
	if len(m.Paths) > 1 {
		is, it = "are", "them"
	}
	switch m.Reason {
	case buildcontext.Ignored:
		return fmt.Sprintf("%s %s not in the build context, because %s excludes %s", what(m), is, rule(r, e, m.Rule), it)
	case buildcontext.Secret:
		return fmt.Sprintf("%s %s kept out of the build context, because secrets may be in %s", what(m), is, it)
	case buildcontext.NotCommitted:
		return fmt.Sprintf("%s does not exist and is not committed: %q on line %d of %s keeps it out of Git", what(m), m.Rule.Pattern, m.Rule.Line, m.Rule.File)
	case buildcontext.Outside:
		return fmt.Sprintf("the path leads out of the build context, and %q is not in it", m.Paths[0])
	case buildcontext.LinkOutside:
		return fmt.Sprintf("%q is a symbolic link to %q, which is outside of the build context", m.Paths[0], m.Link)
	case buildcontext.Submodule:
		return fmt.Sprintf("%q is in a submodule of Git that is not checked out", m.Paths[0])
	case buildcontext.Pointer:
		return fmt.Sprintf("%s %s in the build context as Git LFS has %s in Git, without the content", what(m), is, it)
	}
	return fmt.Sprintf("%q does not exist in the build context", m.Paths[0])
}

// rule names a pattern, and where users find it.
func rule(r *Record, e event.Missing, rule buildcontext.Rule) string {
	switch {
	case rule.Input != "":
		return fmt.Sprintf("%q of %s", rule.Pattern, r.inputWithSource(rule.Input))
	case rule.File != "":
		return fmt.Sprintf("%q on line %d of %s", rule.Pattern, rule.Line, path.Join(e.Context, rule.File))
	}
	return fmt.Sprintf("%q of the platform's default ignore list", strings.Replace(rule.Pattern, "**.", "**/*.", 1))
}

// consequence says what the build makes of it.
func consequence(m buildcontext.Missing) string {
	switch {
	case m.Fails:
		return " The build fails without it."
	case m.Reason == buildcontext.Pointer:
		return " The image gets a pointer to it instead."
	case m.Pattern:
		return " Nothing else matches, so nothing is copied."
	}
	return " Nothing else is in that folder."
}

// remedy says what to do.
func remedy(e event.Missing, m buildcontext.Missing) string {
	rules := rulesFile("")
	if e.IgnoreFile != "" && m.Rule.Input == "" {
		rules = path.Join(e.Context, e.IgnoreFile)
	}
	include := buildcontext.Include(m.Paths[0])
	if m.Pattern {
		include = "!" + m.Path
	}
	include = fmt.Sprintf("add %q to %s", include, rules)
	switch m.Reason {
	case buildcontext.Ignored:
		if m.IsSecret && !ofGit(m) {
			return "Use a secret set for what it holds (secret-set), or " + include + ", after that pattern."
		}
		return "A" + include[1:] + ", after that pattern, to include it."
	case buildcontext.Secret:
		if ofGit(m) {
			return "A" + include[1:] + " to include it."
		}
		return "Use a secret set for what it holds (secret-set), or " + include + " to include it."
	case buildcontext.NotCommitted:
		return "Commit it, or have a step before this one make it."
	case buildcontext.Outside, buildcontext.LinkOutside:
		if m.Elsewhere != "" {
			return fmt.Sprintf("Set build-context to a folder that has %q, and write paths relative to that folder.", m.Elsewhere)
		}
		return "Put the file into the build context, or set build-context to a folder that has both."
	case buildcontext.Pointer:
		return "Set lfs: true for actions/checkout."
	case buildcontext.Submodule:
		return "Set submodules: true for actions/checkout."
	}
	if strings.HasPrefix(m.Written, "#") {
		return "A comment needs a separate line."
	}
	if m.Elsewhere != "" {
		return fmt.Sprintf("Did you mean %q? Paths are relative to build-context.", m.Elsewhere)
	}
	return "Check the path, which is relative to build-context, and that the file is committed."
}

// ofGit reports whether the repository itself is missing, whose place is in no
// secret set.
func ofGit(m buildcontext.Missing) bool {
	return m.Paths[0] == ".git" || strings.HasPrefix(m.Paths[0], ".git/")
}

package summary

import (
	"cmp"
	"fmt"
	"strings"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/untrusted"
)

// row is what a change does to one setting, as people read it.
type row struct {
	settings.Change
	source string // where it was asked for: "input", or the config file's name; "" when it was not
}

const (
	builtInCloud = "(built in the cloud)"
	toBuild      = "(a new build)"
)

// rows lists what a change does to each setting. A build brings an image with it.
func (r *Record) rows(p event.Planned) (rows []row) {
	reverts := p.RevertsID != ""
	add := func(c settings.Change, source string) { rows = append(rows, row{c, source}) }
	for _, c := range p.Changes {
		switch {
		case c.Name == settings.Image && c.Before != "" && p.PreviousHidden:
			c.Before = builtInCloud
		case c.Name == settings.BuildID && c.After == "":
			c.After = toBuild
		}
		switch {
		case reverts:
			if c.Name == settings.Image && c.Before == "" && r.plan != nil && r.plan.FromBuild {
				c.Before = builtInCloud
			}
			add(c, "")
		case c.Name == settings.Image && p.FromBuild && !c.Asked:
			c.After, c.Asked, c.Moves = builtInCloud, true, true
			add(c, r.sourceOf(settings.BuildID))
		case c.Asked:
			add(c, r.sourceOf(c.Name))
		default:
			add(c, "")
		}
	}
	if s := p.Secrets; s != nil {
		add(settings.Change{Name: "secrets", After: secretNames(s), Asked: true, Moves: true}, "input")
	}
	return rows
}

// secretNames lists what is put into a secret set.
func secretNames(s *event.SecretChange) string {
	if s.Create {
		return strings.Join(s.New, ", ") + " into the new secret set " + s.Set
	}
	var names []string
	for _, name := range s.New {
		names = append(names, name+" (new)")
	}
	for _, name := range s.Overwritten {
		names = append(names, name+" (overwritten)")
	}
	return strings.Join(names, ", ") + " into secret set " + s.Set
}

// inputWithSource names an input, and the config file that it is set in.
func (r *Record) inputWithSource(input string) string {
	if file := r.asked.Sources[input]; file != "" {
		return input + " in " + file
	}
	return input
}

// sourceOf is where an input was set.
func (r *Record) sourceOf(input string) string { return cmp.Or(r.asked.Sources[input], "input") }

// becomes says what a setting was and is to be.
func (row row) becomes() string {
	from := ""
	if row.source != "" && row.source != "input" {
		from = " (" + row.source + ")"
	}
	switch {
	case !row.Moves:
		return row.After + " (unchanged)" + from
	case row.Before == "":
		return row.After + from
	}
	return row.Before + " → " + row.After + from
}

// changeList renders what the change does to each setting: those that change, and then
// the others in a line.
func (r *Record) changeList() string {
	if r.plan == nil {
		return ""
	}
	var changed, kept []string
	shown := func(s string) string { return code(untrusted.Cut(r.line(s), maxCell)) }
	for _, row := range r.rows(*r.plan) {
		if !row.Moves {
			kept = append(kept, shown(row.Name+with(": ", cmp.Or(row.After, row.Before))))
			continue
		}
		text := code(row.Name) + ": "
		switch added := r.plan.Create || row.Name == settings.BuildID || row.Name == "secrets"; {
		case row.Before != "":
			text += shown(row.Before) + " → "
		case !added:
			text += "not reported → "
		}
		text += shown(row.After)
		if row.source != "" && row.source != "input" {
			text += " (" + md(untrusted.Cut(r.line(row.source), 200)) + ")"
		}
		changed = append(changed, "- "+text+"\n")
	}
	var b strings.Builder
	if changed != nil {
		done := "changed"
		if r.accepted == nil {
			done = "to change"
		}
		fmt.Fprintf(&b, "%d %s:\n\n%s\n", len(changed), done, strings.Join(changed, ""))
	}
	if kept != nil {
		fmt.Fprintf(&b, "%d unchanged: %s\n\n", len(kept), strings.Join(kept, ", "))
	}
	return b.String()
}

// creates says that an agent is new, in case its name is wrong.
func (r *Record) creates(p event.Planned) string {
	text := fmt.Sprintf("There is no agent %q; creating it.", r.agent)
	if r.asked.DryRun {
		text = fmt.Sprintf("There is no agent %q; it would be created.", r.agent)
	}
	if p.Near != "" {
		text += fmt.Sprintf(" Did you mean %q?", p.Near)
	}
	return text + " Set create-if-missing: false to fail instead."
}

// settingsOnly reports whether the agent keeps its image or build, and is not made
// again.
func (r *Record) settingsOnly() bool {
	p := r.plan
	return p != nil && !p.Create && p.Image == "" && !p.FromBuild && p.NeedsDeployment
}

// would says what a change does that is not made.
func (r *Record) would() string {
	switch p := r.plan; {
	case p == nil:
		return "would be updated"
	case p.Create:
		return "would be created" + with(" with ", tag(r.line(p.Image)))
	case p.ScalingOnly:
		return "would be scaled: " + r.scaled()
	case !p.NeedsDeployment:
		return "would stay as it is"
	case p.Image == "" && !p.FromBuild:
		return "would get new settings"
	case tag(p.Image) != "":
		return "would get " + tag(r.line(p.Image))
	}
	return "would get a new deployment"
}

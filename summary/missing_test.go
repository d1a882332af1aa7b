package summary

import (
	"fmt"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/dockerfile"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/verdict"
)

// TestMissing holds what the log says of each reason for which a Dockerfile does not
// find something, and that it ends with what to do.
func TestMissing(t *testing.T) {
	copies := dockerfile.Source{Instruction: "COPY", Line: 3, Written: "x"}
	pattern := dockerfile.Source{Instruction: "ADD", Line: 3, Written: "./*.md", Path: "*.md", Pattern: true}
	mount := dockerfile.Source{Instruction: "RUN", Line: 3, Written: "x"}
	ignored := buildcontext.Rule{Pattern: "*.md", File: ".dockerignore", Line: 2}
	for _, tt := range []struct {
		name string
		e    event.Missing // without its source
		m    buildcontext.Missing
		want string
	}{
		{"ignored", event.Missing{IgnoreFile: ".dockerignore"}, buildcontext.Missing{Source: copies, Reason: buildcontext.Ignored, Paths: []string{"a.md"}, Fails: true, Rule: ignored},
			`COPY x: "a.md" is not in the build context, because "*.md" on line 2 of .dockerignore excludes it. The build fails without it. Add "!a.md" to .dockerignore, after that pattern, to include it.`},
		{"ignored, in a folder", event.Missing{IgnoreFile: ".dockerignore", Context: "app"}, buildcontext.Missing{Source: mount, Reason: buildcontext.Ignored, Paths: []string{"a.md"}, Fails: true, Rule: ignored},
			`RUN --mount=type=bind,source=x: "a.md" is not in the build context, because "*.md" on line 2 of app/.dockerignore excludes it. The build fails without it. Add "!a.md" to app/.dockerignore, after that pattern, to include it.`},
		{"a pattern", event.Missing{IgnoreFile: ".dockerignore"}, buildcontext.Missing{Source: pattern, Reason: buildcontext.Ignored, Paths: []string{"a.md", "b.md", "c.md"}, Rule: ignored},
			`ADD ./*.md: "a.md" and 2 others are not in the build context, because "*.md" on line 2 of .dockerignore excludes them. Nothing else matches, so nothing is copied. Add "!*.md" to .dockerignore, after that pattern, to include it.`},
		{"the input", event.Missing{IgnoreFile: ".dockerignore"}, buildcontext.Missing{Source: copies, Reason: buildcontext.Ignored, Paths: []string{"a"}, Fails: true, Rule: buildcontext.Rule{Pattern: "a*", Input: "build-exclude"}},
			`because "a*" of build-exclude in pcc-deploy.toml excludes it. The build fails without it. Add "!a" to build-exclude, after that pattern, to include it.`},
		{"the platform's list", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.Ignored, Paths: []string{"dist/a"}, Fails: true, Rule: buildcontext.Rule{Pattern: "**/dist"}},
			`because "**/dist" of the platform's default ignore list excludes it. The build fails without it. Add "!dist/a" to build-exclude, after that pattern, to include it.`},
		{"the platform's list, an ending", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.Ignored, Paths: []string{"a.log"}, Rule: buildcontext.Rule{Pattern: "**.log"}},
			`because "**/*.log" of the platform's default ignore list excludes it. Nothing else is in that folder.`},
		{"ignored, a secret", event.Missing{IgnoreFile: ".dockerignore"}, buildcontext.Missing{Source: copies, Reason: buildcontext.Ignored, Paths: []string{".env"}, Fails: true, Rule: ignored, IsSecret: true},
			`Use a secret set for what it holds (secret-set), or add "!.env" to .dockerignore, after that pattern.`},
		{"a secret", event.Missing{IgnoreFile: "a.dockerignore"}, buildcontext.Missing{Source: copies, Reason: buildcontext.Secret, Paths: []string{".env"}, Fails: true},
			`COPY x: ".env" is kept out of the build context, because secrets may be in it. The build fails without it. Use a secret set for what it holds (secret-set), or add "!.env" to a.dockerignore to include it.`},
		{"a secret, without an ignore file", event.Missing{Context: "app"}, buildcontext.Missing{Source: copies, Reason: buildcontext.Secret, Paths: []string{".env"}, Fails: true}, `or add "!.env" to build-exclude to include it.`},
		{"not committed", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.NotCommitted, Paths: []string{"dist/a"}, Fails: true, Rule: buildcontext.Rule{Pattern: "/dist/", File: ".gitignore", Line: 4}},
			`"dist/a" does not exist and is not committed: "/dist/" on line 4 of .gitignore keeps it out of Git. The build fails without it. Commit it, or have a step before this one make it.`},
		{"not there", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.NotThere, Paths: []string{"a"}, Fails: true},
			`"a" does not exist in the build context. The build fails without it. Check the path, which is relative to build-context, and that the file is committed.`},
		{"a comment", event.Missing{}, buildcontext.Missing{Source: dockerfile.Source{Instruction: "COPY", Line: 3, Written: "#"}, Reason: buildcontext.NotThere, Paths: []string{"#"}, Fails: true},
			`COPY #: "#" does not exist in the build context. The build fails without it. A comment needs a separate line.`},
		{"a submodule", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.Submodule, Paths: []string{"lib"}}, `COPY x: "lib" is in a submodule of Git that is not checked out. Nothing else is in that folder. Set submodules: true for actions/checkout.`},
		{"elsewhere", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.NotThere, Paths: []string{"a"}, Fails: true, Elsewhere: "server/a"}, `Did you mean "server/a"? Paths are relative to build-context.`},
		{"outside", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.Outside, Paths: []string{"a"}, Fails: true},
			`the path leads out of the build context, and "a" is not in it. The build fails without it. Put the file into the build context, or set build-context to a folder that has both.`},
		{"outside, in the workspace", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.Outside, Paths: []string{"a"}, Fails: true, Elsewhere: "shared/a"}, `Set build-context to a folder that has "shared/a", and write paths relative to that folder.`},
		{"a link", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.LinkOutside, Paths: []string{"a"}, Fails: true, Link: "../a"}, `"a" is a symbolic link to "../a", which is outside of the build context. The build fails without it. Put the file`},
		{"a pointer", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.Pointer, Paths: []string{"a"}}, `"a" is in the build context as Git LFS has it in Git, without the content. The image gets a pointer to it instead. Set lfs: true for actions/checkout.`},
		{"pointers", event.Missing{}, buildcontext.Missing{Source: copies, Reason: buildcontext.Pointer, Paths: []string{"a", "b"}}, `"a" and 1 other are in the build context as Git LFS has them in Git, without the content`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.e.Dockerfile, tt.e.Sources = "app/Dockerfile", []buildcontext.Missing{tt.m}
			var r Record
			p := play(r.Add, "bot").emit(event.Configured{Sources: map[string]string{"build-exclude": "pcc-deploy.toml"}}).in(event.Build)
			p.emit(tt.e, red(verdict.Failure{Reason: verdict.Build, Message: "it failed"}))
			var shown []note
			for _, it := range lines(&r, event.Entry{Event: tt.e}) {
				if n, ok := it.(note); ok {
					shown = append(shown, n)
				}
			}
			if len(shown) != 1 || shown[0].Kind != gha.Warning || shown[0].File != "app/Dockerfile" || shown[0].Line != 3 || !strings.Contains(shown[0].Text, tt.want) {
				t.Errorf("shows %+v\nwant %s", shown, tt.want)
			}
			if page := Page(gha.Run{}, []*Record{&r}); !strings.Contains(page, "> ⚠ ") {
				t.Errorf("the page has no note: %s", page)
			}
		})
	}
}

// TestMuchMissing holds that no more than ten sources are shown, and that the others
// are counted.
func TestMuchMissing(t *testing.T) {
	for n, more := range map[int]string{10: "", 13: "… and 3 more that the Dockerfile does not find."} {
		var e event.Missing
		for i := range n {
			e.Sources = append(e.Sources, buildcontext.Missing{Source: dockerfile.Source{Instruction: "COPY", Written: fmt.Sprint("file-", i)}, Reason: buildcontext.NotThere, Paths: []string{"x"}})
		}
		got := logged(event.Configured{}, e)
		if strings.Count(got, "COPY file-") != 10 || !strings.Contains(got, more) || more == "" && strings.Contains(got, "more that") {
			t.Errorf("%d: %s", n, got)
		}
	}
}

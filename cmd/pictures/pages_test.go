package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/verdict"
)

// kinds are pages that must be among those that are shown, with what each has.
var kinds = map[string]string{
	"a new agent":                       `(?m)^## ✓ Created a new agent `,
	"a build":                           `(?m)^## ✓ Build \w+ is live`,
	"a restart that healed":             `(?m)^> ⚠ The new version had 1 restart`,
	"scaling":                           `(?m)^## ✓ Scaled `,
	"a test call that was answered":     `(?m)^## ✓ .* is live on .* and answered a test call`,
	"a check":                           `(?m)^## ✓ .* serves calls with .* and answered a test call`,
	"a crash on a line":                 `(?m)^## ✗ .* crashed on .* in \S+:\d+`,
	"a crash elsewhere":                 `(?m)^## ✗ .* crashed on [^:]*: \w+ –`,
	"a first deployment that crashes":   `(?m)^## ✗ .* – nothing serves calls`,
	"a build that failed":               `(?m)^## ✗ Build \w+ for .* failed`,
	"a refusal":                         `(?m)^## ✗ .* the platform refuses the update`,
	"a key that is rejected":            `(?m)^## ✗ .* the API rejected the key`,
	"a test call that was not answered": `(?m)^## ✗ .* does not answer callers`,
	"an image that cannot be pulled":    `(?m)^## ✗ .* the image cannot be pulled`,
	"inputs":                            `(?m)^## ✗ \d+ invalid inputs`,
	"several agents":                    `(?ms)^## .*^## `,
	"long names":                        `(?m)^## .*\S{40}`,
	"hostile text":                      `onerror=alert`,
}

func TestPages(t *testing.T) {
	all, err := pages("../../" + scripts)
	if err != nil {
		t.Fatal(err)
	}
	shows := func(pattern string) bool {
		for _, p := range all {
			if regexp.MustCompile(pattern).Match(p.summary) {
				return true
			}
		}
		return false
	}
	for _, s := range verdict.Statuses() {
		if !shows("\\| Status \\| `" + string(s) + "` \\|") {
			t.Errorf("no page of %s", s)
		}
	}
	for kind, pattern := range kinds {
		if !shows(pattern) {
			t.Errorf("no page of %s", kind)
		}
	}
	names := map[string]bool{}
	for _, p := range all {
		if names[p.name] {
			t.Errorf("two pages are called %s", p.name)
		}
		names[p.name] = true
	}
	if none, err := pages(t.TempDir()); err == nil {
		t.Errorf("%d pages of no script", len(none))
	}
}

// TestReadme holds that the pictures in the README are of the page as it is now.
func TestReadme(t *testing.T) {
	page, err := pageOfReadme("../../" + scripts)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range readmePictures {
		if name := images + "/" + p.file; !strings.Contains(string(readme), `"`+name+`"`) {
			t.Errorf("the README does not show %s", name)
		}
		data, err := os.ReadFile(filepath.Join("../..", images, p.file))
		if err != nil {
			t.Fatal(err)
		}
		if got := stamped(data); got != sourceOf(page) {
			t.Errorf("%s is of another page than a crash has now; .ci/pictures readme takes it again", p.file)
		}
		if _, err := png.Decode(bytes.NewReader(data)); err != nil {
			t.Errorf("%s: %v", p.file, err)
		}
		if len(data) > 80_000 {
			t.Errorf("%s has %d bytes, more than 80,000", p.file, len(data))
		}
	}
}

// TestStamp holds that a picture says what it is of, and is a picture still.
func TestStamp(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("../..", images, readmePictures[0].file))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := small(data)
	if err != nil {
		t.Fatal(err)
	}
	if got := stamped(plain); got != "" {
		t.Errorf("a picture without a stamp is of %q", got)
	}
	again := stamp(plain, sourceOf("another page"))
	if got := stamped(again); got != sourceOf("another page") {
		t.Errorf("it is of %q", got)
	}
	if _, err := png.Decode(bytes.NewReader(again)); err != nil {
		t.Error(err)
	}
	for _, cut := range [][]byte{nil, again[:header], again[:header+6], again[:header+20]} {
		if got := stamped(cut); got != "" {
			t.Errorf("%d bytes are of %q", len(cut), got)
		}
	}
}

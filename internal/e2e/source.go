package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

// secrets are files that no build context may have.
var secrets = []string{".env", "keys/tls.key", "keys/.env.local"}

// randomSource is what a build context may be. Its Dockerfile says how the build
// goes.
func randomSource(rng *rand.Rand) map[string]string {
	build := pick(rng, "ok", "ok", "ok", "ok", "slow", "failed", "timeout", "never", "hostile", "chatty")
	source := map[string]string{
		"Dockerfile":   "# simulator: " + build + " go\nFROM dailyco/pipecat-base:latest\nCOPY . .\n",
		"bot.py":       fmt.Sprintf("print(%d)\n", rng.IntN(100)),
		"notes.md":     "left out\n",
		"old/notes.md": "left out\n",
	}
	if rng.IntN(2) == 0 {
		source[".dockerignore"] = "**/*.md\n"
	} else {
		source["build.log"] = "left out by the platform's list\n"
		delete(source, "notes.md")
		delete(source, "old/notes.md")
	}
	for _, name := range secrets {
		source[name] = "secret\n"
	}
	if rng.IntN(20) == 0 {
		delete(source, "Dockerfile")
	}
	return source
}

// write writes the build context.
func (r *searchRun) write() {
	dir := filepath.Join(r.dir, "context")
	err := os.RemoveAll(dir)
	for name, text := range r.source {
		path := filepath.Join(dir, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o700)
		}
		if err == nil {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
	}
	if err != nil {
		panic(err)
	}
}

// brokenBuilds says what of a cloud build is not as promised.
func (r *searchRun) brokenBuilds() (broken []string) {
	if left, _ := os.ReadDir(filepath.Join(r.dir, "temp")); len(left) > 0 {
		broken = append(broken, fmt.Sprintf("%q is left behind", left[0].Name()))
	}
	uploads := r.cloud.Uploads()
	if r.inputs["cloud-build"] == "" && len(uploads) > 0 {
		broken = append(broken, "a build context is uploaded, though none is to be built")
	}
	for _, u := range uploads {
		for _, name := range u.Names {
			if strings.HasSuffix(name, ".md") || strings.HasSuffix(name, ".log") || slices.Contains(secrets, name) {
				broken = append(broken, fmt.Sprintf("%q is uploaded", name))
			}
		}
	}
	if len(r.ours) == 0 || r.inputs["cloud-build"] == "" {
		return broken
	}
	id := r.cloud.Manifest("bot", r.ours[0]).BuildID
	builds := r.cloud.Builds()
	i := slices.IndexFunc(builds, func(b simulator.Build) bool { return b.ID == id })
	if i < 0 || builds[i].Status != pipecat.BuildSuccess || !slices.ContainsFunc(uploads, func(u simulator.Upload) bool { return u.Hash == builds[i].Hash }) {
		broken = append(broken, fmt.Sprintf("build %q is deployed, of %+v", id, builds))
	}
	return broken
}

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

//go:embed measure.js
var measureJS string

// browser is a Chromium without a window, and a folder for what it reads.
type browser struct{ program, dir string }

// frame is a page in a browser window of its width.
type frame struct {
	name, page    string // HTML
	width, height int    // a height of 0 is any
	dark          bool
}

// document is a page of frames side by side. What a framed page asks of the color
// scheme, the frame's own answers.
func document(frames []frame, script string) string {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<meta charset=\"utf-8\">\n<style>body { margin: 0; background: #808080; display: flex; align-items: flex-start; gap: 8px } iframe { border: 0; flex: none }</style>\n")
	for _, f := range frames {
		scheme := "light"
		if f.dark {
			scheme = "dark"
		}
		fmt.Fprintf(&b, "<iframe name=%q sandbox=\"allow-same-origin\" style=\"width: %dpx; height: %dpx; color-scheme: %s\" srcdoc=\"%s\"></iframe>\n",
			html.EscapeString(f.name), f.width, f.height, scheme, html.EscapeString(f.page))
	}
	fmt.Fprintf(&b, "<pre id=\"result\" hidden></pre>\n<script>\n%s</script>\n", script)
	return b.String()
}

// run has the browser load a document, and returns what it prints.
func (b browser) run(ctx context.Context, document string, flags ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "document.html")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		return nil, err
	}
	args := append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + filepath.Join(dir, "profile")}, flags...)
	out, err := exec.CommandContext(ctx, b.program, append(args, "file://"+file)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("%s: %w", b.program, err)
	}
	return out, nil
}

var result = regexp.MustCompile(`(?s)<pre id="result" hidden="">(.*?)</pre>`)

// measure measures pages in their frames, by the frames' names.
func (b browser) measure(ctx context.Context, frames []frame) (map[string]measured, error) {
	out, err := b.run(ctx, document(frames, measureJS), "--dump-dom")
	if err != nil {
		return nil, err
	}
	m := result.FindSubmatch(out)
	if m == nil {
		return nil, fmt.Errorf("%s printed no measurement", b.program)
	}
	all := map[string]measured{}
	if err := json.Unmarshal([]byte(html.UnescapeString(string(m[1]))), &all); err != nil {
		return nil, fmt.Errorf("%s printed no measurement: %w", b.program, err)
	}
	for _, f := range frames {
		switch got, ok := all[f.name]; {
		case !ok:
			return nil, fmt.Errorf("%s did not measure %s", b.program, f.name)
		case got.Dark != f.dark:
			return nil, fmt.Errorf("%s showed %s in the wrong color scheme", b.program, f.name)
		}
	}
	return all, nil
}

// shoot takes a picture of frames side by side, as a PNG file. Scale is the pixels of
// the picture to one of CSS.
func (b browser) shoot(ctx context.Context, frames []frame, scale int, file string) error {
	width, height := 8*(len(frames)-1), 0
	for _, f := range frames {
		width, height = width+f.width, max(height, f.height)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	_, err = b.run(ctx, document(frames, ""), "--screenshot="+file, fmt.Sprintf("--window-size=%d,%d", width, height), "--force-device-scale-factor="+strconv.Itoa(scale))
	return err
}

// Pictures shows the job summaries that tests hold the program to in a browser, as a
// person meets them: light and dark, wide and on a phone. It fails where a text has too
// little contrast, or is cut or wider than the page.
//
//	go run ./cmd/pictures DIR       measures them, and writes a sheet of pictures
//	go run ./cmd/pictures -readme   takes the pictures in the README again
//
// It needs Chromium; .ci/pictures finds it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"html"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"pipecat-cloud-deploy/internal/webpage"
)

const (
	scripts = "internal/e2e/testdata/script"
	desktop = 900
	phone   = 420
)

func main() {
	program := flag.String("chromium", "chromium", "run this `program`")
	readme := flag.Bool("readme", false, "take the pictures in the README again")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch {
	case *readme && flag.NArg() == 0:
		err = withBrowser(*program, func(b browser) error { return pictureReadme(ctx, b) })
	case !*readme && flag.NArg() == 1:
		err = withBrowser(*program, func(b browser) error { return check(ctx, b, flag.Arg(0)) })
	default:
		err = errors.New("go run ./cmd/pictures DIR, or -readme")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func withBrowser(program string, do func(browser) error) error {
	dir, err := os.MkdirTemp("", "pipecat-cloud-deploy-pictures-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return do(browser{program, dir})
}

// sizes are how each page is shown.
var sizes = []frame{
	{name: "wide, light", width: desktop}, {name: "wide, dark", width: desktop, dark: true},
	{name: "phone, light", width: phone}, {name: "phone, dark", width: phone, dark: true},
}

// check measures every page, and writes the sheet also when it finds something.
func check(ctx context.Context, b browser, dir string) error {
	if err := selfTest(ctx, b); err != nil {
		return err
	}
	all, err := pages(scripts)
	if err != nil {
		return err
	}
	var frames []frame
	for _, p := range all {
		page, err := webpage.Render(p.summary)
		if err != nil {
			return err
		}
		for _, f := range sizes {
			f.name, f.page = p.name+": "+f.name, page
			frames = append(frames, f)
		}
	}
	found, err := b.measure(ctx, frames)
	if err != nil {
		return err
	}
	n := 0
	for i, f := range frames {
		frames[i].height = found[f.name].Folded
		for _, problem := range found[f.name].problems(f.width) {
			n++
			fmt.Printf("%s: %s\n", f.name, problem)
		}
	}
	if err := sheet(ctx, b, dir, all, frames); err != nil {
		return err
	}
	fmt.Printf("%d pages in %d sizes: %s\n", len(all), len(sizes), filepath.Join(dir, "index.html"))
	if n > 0 {
		return fmt.Errorf("%d problems", n)
	}
	return nil
}

// selfTest holds that the measurement finds each fault of a page, and none without it.
func selfTest(ctx context.Context, b browser) error {
	var frames []frame
	for i, page := range bad {
		for _, fault := range []string{page.fault, ""} {
			text, err := webpage.Render([]byte(strings.Replace(page.body, "FAULT", fault, 1)))
			if err != nil {
				return err
			}
			frames = append(frames, frame{name: fmt.Sprintf("%d %t", i, fault != ""), page: text, width: phone, height: 800, dark: strings.Contains(page.body, "dark")})
		}
	}
	found, err := b.measure(ctx, frames)
	if err != nil {
		return err
	}
	for i, page := range bad {
		with, without := found[fmt.Sprintf("%d true", i)].problems(phone), found[fmt.Sprintf("%d false", i)].problems(phone)
		if !strings.Contains(strings.Join(with, "\n"), page.finds) {
			return fmt.Errorf("the measurement does not find %s: it has %q, want %q", page.name, with, page.finds)
		}
		if len(without) > 0 {
			return fmt.Errorf("the measurement finds %q in a page without %s", without, page.name)
		}
	}
	return nil
}

// sheet writes a picture of each page in each size, and one web page with all of them.
func sheet(ctx context.Context, b browser, dir string, all []page, frames []frame) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var index strings.Builder
	index.WriteString("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Job summaries</title>\n" +
		"<style>body { margin: 16px; background: #808080; color: #ffffff; font-family: sans-serif } img { display: block; margin: 8px 0 }</style>\n")
	var shots sync.WaitGroup
	errs, turns := make([]error, 2*len(all)), make(chan bool, runtime.NumCPU())
	for i, p := range all {
		fmt.Fprintf(&index, "<h2>%s</h2>\n", html.EscapeString(p.name))
		for j, size := range []string{"wide", "phone"} {
			at := i*len(sizes) + 2*j
			file := p.name + "-" + size + ".png"
			fmt.Fprintf(&index, "<img src=%q alt=\"%s, light and dark\">\n", file, size)
			shots.Go(func() {
				turns <- true
				errs[2*i+j] = b.shoot(ctx, frames[at:at+2], 1, filepath.Join(dir, file))
				<-turns
			})
		}
	}
	if shots.Wait(); errors.Join(errs...) != nil {
		return errors.Join(errs...)
	}
	return os.WriteFile(filepath.Join(dir, "index.html"), []byte(index.String()), 0o644)
}

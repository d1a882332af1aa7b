package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"image"
	stdcolor "image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"

	"pipecat-cloud-deploy/internal/webpage"
)

const (
	images     = "docs/images" // where the README's pictures are
	readmePage = "pages-crash" // what they show
	readmeSize = 800           // how wide, in pixels of CSS: about as a README is
)

// readmePictures are the README's pictures, by their files' names.
var readmePictures = []struct {
	file string
	dark bool
}{{"failed-light.png", false}, {"failed-dark.png", true}}

// pictureReadme takes the pictures in the README again.
func pictureReadme(ctx context.Context, b browser) error {
	page, err := pageOfReadme(scripts)
	if err != nil {
		return err
	}
	for _, p := range readmePictures {
		f := frame{name: p.file, page: page, width: readmeSize, dark: p.dark}
		found, err := b.measure(ctx, []frame{f})
		if err != nil {
			return err
		}
		f.height = found[f.name].Folded
		shot := filepath.Join(b.dir, p.file)
		if err := b.shoot(ctx, []frame{f}, 2, shot); err != nil {
			return err
		}
		data, err := os.ReadFile(shot)
		if err != nil {
			return err
		}
		if data, err = small(data); err != nil {
			return err
		}
		file := filepath.Join(images, p.file)
		if err := os.MkdirAll(images, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, stamp(data, sourceOf(page)), 0o644); err != nil {
			return err
		}
		fmt.Printf("%s: %d bytes\n", file, len(data))
	}
	return nil
}

// pageOfReadme is the web page that the README's pictures show.
func pageOfReadme(scripts string) (string, error) {
	all, err := pages(scripts)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(all, func(p page) bool { return p.name == readmePage })
	if i < 0 {
		return "", fmt.Errorf("no script has the page %s", readmePage)
	}
	return webpage.Render(all[i].summary)
}

// sourceOf identifies the web page that a picture was taken of.
func sourceOf(page string) string {
	sum := sha256.Sum256([]byte(page))
	return hex.EncodeToString(sum[:])
}

// small packs a picture with the 16 colors that most of it has: a page has few, and
// the shades at the edges of letters.
func small(data []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	count := map[stdcolor.Color]int{}
	bounds := from.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[from.At(x, y)]++
		}
	}
	palette := make(stdcolor.Palette, 0, len(count))
	for c := range count {
		palette = append(palette, c)
	}
	slices.SortFunc(palette, func(a, b stdcolor.Color) int { return count[b] - count[a] })
	to := image.NewPaletted(bounds, palette[:min(16, len(palette))])
	near := map[stdcolor.Color]uint8{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := from.At(x, y)
			if _, ok := near[c]; !ok {
				near[c] = uint8(to.Palette.Index(c))
			}
			to.SetColorIndex(x, y, near[c])
		}
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, to)
	return b.Bytes(), err
}

// source is the keyword of the text in a picture that says what it was taken of.
const source = "Source"

// header is how long a PNG file's signature and first chunk are.
const header = 8 + 12 + 13

// stamp writes into a PNG file what it was taken of, as a text that no one sees.
//
// https://www.w3.org/TR/png-3/#11tEXt
func stamp(data []byte, of string) []byte {
	body := []byte("tEXt" + source + "\x00" + of)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	return slices.Concat(data[:header], chunk, data[header:])
}

// stamped is what a PNG file says that it was taken of; "" where it does not.
func stamped(data []byte) string {
	prefix := []byte("tEXt" + source + "\x00")
	if len(data) < header+4 || !bytes.HasPrefix(data[header+4:], prefix) {
		return ""
	}
	size := int(binary.BigEndian.Uint32(data[header:]))
	rest := data[header+4:]
	if size+4 > len(rest) {
		return ""
	}
	return string(rest[len(prefix) : size+4])
}

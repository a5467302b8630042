// Checks a log of ours with Go's own libraries and nothing of ours: the signed checkpoint, every entry it is asked for,
// and the proofs that we made.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// Asked is what the test wants to know, and the proofs that are to be checked.
type Asked struct {
	Folder      string
	Key         string
	Entry       int64
	OldSize     int64
	OldRoot     []byte
	Inclusion   [][]byte
	Consistency [][]byte
}

// files reads tiles from a folder. Go writes the height into a tile's path, and C2SP tlog-tiles does not.
type files struct{ folder string }

func (f files) Height() int { return height }

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		path := "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
		data, err := os.ReadFile(filepath.Join(f.folder, filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func hash(data []byte) (found tlog.Hash) {
	copy(found[:], data)
	return found
}

func hashes(list [][]byte) (found []tlog.Hash) {
	for _, data := range list {
		found = append(found, hash(data))
	}
	return found
}

func must[T any](value T, err error) T {
	done(err)
	return value
}

func done(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// entry reads one entry of the log from its bundle.
func entry(folder string, number, size int64) []byte {
	path := tlog.Tile{H: height, L: 0, N: number >> height, W: int(min(1<<height, size-number>>height<<height))}.Path()
	path = "tile/entries/" + strings.TrimPrefix(path, fmt.Sprintf("tile/%d/0/", height))
	bundle := must(os.ReadFile(filepath.Join(folder, filepath.FromSlash(path))))
	for at := number >> height << height; ; at++ {
		length := int(binary.BigEndian.Uint16(bundle))
		if at == number {
			return bundle[2 : 2+length]
		}
		bundle = bundle[2+length:]
	}
}

func main() {
	var asked Asked
	done(json.Unmarshal(must(os.ReadFile(os.Args[1])), &asked))
	verifier := must(note.NewVerifier(asked.Key))
	checkpoint := must(os.ReadFile(filepath.Join(asked.Folder, "checkpoint")))
	opened := must(note.Open(checkpoint, note.VerifierList(verifier)))
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		done(fmt.Errorf("the checkpoint is of %q", lines[0]))
	}
	tree := tlog.Tree{N: must(strconv.ParseInt(lines[1], 10, 64)), Hash: hash(must(base64.StdEncoding.DecodeString(lines[2])))}

	// Go's reader checks every tile it reads against the root.
	reader := tlog.TileHashReader(tree, files{asked.Folder})
	leaf := tlog.RecordHash(entry(asked.Folder, asked.Entry, tree.N))
	inclusion := must(tlog.ProveRecord(tree.N, asked.Entry, reader))
	done(tlog.CheckRecord(inclusion, tree.N, tree.Hash, asked.Entry, leaf))
	done(tlog.CheckRecord(hashes(asked.Inclusion), tree.N, tree.Hash, asked.Entry, leaf))

	consistency := must(tlog.ProveTree(tree.N, asked.OldSize, reader))
	done(tlog.CheckTree(consistency, tree.N, tree.Hash, asked.OldSize, hash(asked.OldRoot)))
	done(tlog.CheckTree(hashes(asked.Consistency), tree.N, tree.Hash, asked.OldSize, hash(asked.OldRoot)))
	fmt.Printf("%d entries, signed by %s\n", tree.N, opened.Sigs[0].Name)
}

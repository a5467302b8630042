-- `receipt` is what the link ends in, and is dropped when the person was told; its hash is the name that holders sign
ALTER TABLE erasures ADD COLUMN receipt_name text;
